/* SPDX-License-Identifier: BSD-3-Clause */
/* All templates of an archive, or none: see intake.h. */
#include "archive/intake.h"

#include <stdio.h>

#include "archive/arrival.h"
#include "base/clock.h"
#include "base/hex.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/templates.h"

enum { REQUEST_MAX = 128 };

/* Requests of one archive; those beyond are solved when they are asked. */
enum { REQUESTS_MAX = 1 << 18 };

/* What led to a template where it was made. */
struct cenv_intake_request {
    struct cenv_intake_request *next;
    const char *name; /* of its file */
    bool entered;     /* by us */
};

/* ---- what comes ---- */

static bool is_request_file(struct cenv_str name)
{
    unsigned char raw[(CENV_STORE_KEY - 1) / 2];
    return name.len == CENV_STORE_KEY - 1 + strlen(".json") &&
           cenv_str_ends(name, CENV_STR(".json")) &&
           cenv_unhex(cenv_str_slice(name, 0, CENV_STORE_KEY - 1), raw, sizeof(raw));
}

static int add_request(struct cenv_intake *x, struct cenv_intake_item *a,
                       struct cenv_str name)
{
    struct cenv_intake_request *request =
        cenv_arena_calloc(&x->arena, 1, sizeof(*request));
    if (request)
        request->name = cenv_arena_str(&x->arena, name).data;
    if (!request || !request->name)
        return cenv_error_oom(x->err);
    request->next = a->requests;
    a->requests = request;
    x->nr_requests++;
    return 0;
}

/* Only names that requests have: an archive answers for nothing else. */
static int note_requests(struct cenv_intake *x, struct cenv_intake_item *a,
                         const struct cenv_json *requests)
{
    const struct cenv_json *item;
    int rc = 0;
    cenv_json_each(item, requests)
    {
        const char *name = cenv_json_key(item);
        if (rc == 0 && name && is_request_file(cenv_str(name)) &&
            x->nr_requests < REQUESTS_MAX)
            rc = add_request(x, a, cenv_str(name));
    }
    return rc;
}

int cenv_intake_add(struct cenv_intake *x, const struct cenv_archive_head *head,
                    struct cenv_intake_item **out)
{
    struct cenv_intake_item *a = cenv_arena_calloc(&x->arena, 1, sizeof(*a));
    if (a)
        a->id = cenv_arena_str(&x->arena, cenv_str(head->id)).data;
    if (!a || !a->id)
        return cenv_error_oom(x->err);
    a->n = x->nr++;
    *x->end = a;
    x->end = &a->next;
    *out = a;
    return note_requests(x, a, cenv_json_get(head->json, "requests"));
}

void cenv_intake_clear(struct cenv_intake *x)
{
    x->items = NULL;
    x->end = &x->items;
    x->nr = 0;
    x->nr_requests = 0;
}

/* ---- publishing ---- */

/* In the place of what lies there without a whole template.json: that was never finished. */
static int publish_entry(struct cenv_intake *x, struct cenv_intake_item *a)
{
    char source[CENV_ARRIVAL_NAME], name[CENV_ARRIVAL_NAME];
    cenv_arrival_names(a->n, source, name);
    int rc = cenv_template_entry_find(x->store, a->id, x->err);
    if (rc != 1)
        return rc;
    rc = cenv_publish_entry(x->scratch.fd, name, x->store->dirs[CENV_STORE_TEMPLATES],
                            a->id, true, x->err);
    a->taken = rc == 0;
    return rc;
}

/* Under the lock of its builders: somebody may have built it since the archive was opened. */
static int publish_item(struct cenv_intake *x, struct cenv_intake_item *a)
{
    struct cenv_lock *lock;
    int rc = cenv_template_entry_lock(x->store, a->id, &lock, x->task, x->err);
    if (rc < 0)
        return rc;
    rc = publish_entry(x, a);
    cenv_template_entry_unlock(x->store, a->id, lock);
    return rc;
}

static int enter_request(struct cenv_intake *x, const struct cenv_intake_item *a,
                         struct cenv_intake_request *request)
{
    char text[REQUEST_MAX];
    int requests = x->store->dirs[CENV_STORE_REQUESTS];
    int rc = cenv_fs_exists(requests, request->name, x->err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    snprintf(text, sizeof(text), "{\"id\":\"%s\"}", a->id);
    rc = cenv_fs_write_atomic(requests, request->name, cenv_str(text), 0644, x->err);
    request->entered = rc == 0;
    return rc;
}

static int enter_requests(struct cenv_intake *x, const struct cenv_intake_item *a)
{
    int rc = 0;
    for (struct cenv_intake_request *at = a->requests; at && rc == 0; at = at->next)
        rc = enter_request(x, a, at);
    return rc;
}

/* What is in the scratch directory then goes with it. */
void cenv_intake_take_back(struct cenv_intake *x)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    for (struct cenv_intake_item *a = x->items; a; a = a->next) {
        for (struct cenv_intake_request *at = a->requests; at; at = at->next)
            if (at->entered)
                cenv_raw_unlink(x->store->dirs[CENV_STORE_REQUESTS], at->name);
        if (a->taken)
            cenv_publish_withdraw(x->store, x->store->dirs[CENV_STORE_TEMPLATES], a->id,
                                  x->task, &ignored);
    }
    cenv_error_release(&ignored);
}

int cenv_intake_publish(struct cenv_intake *x)
{
    int rc = cenv_publish_sync(x->store, x->task, x->err);
    for (struct cenv_intake_item *a = x->items; a && rc == 0; a = a->next)
        if (a->made)
            rc = publish_item(x, a);
    for (struct cenv_intake_item *a = x->items; a && rc == 0; a = a->next)
        rc = enter_requests(x, a);
    return rc;
}

/* ---- what is told of it ---- */

static int reply_template(struct cenv_intake *x, const struct cenv_intake_item *a,
                          struct cenv_json_writer *w)
{
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(x->store, a->id, &doc, &st, x->err);
    if (rc == 1)
        rc = cenv_error_set(x->err, CENV_EFAIL, "it vanished");
    if (rc == 0) {
        cenv_json_write_object(w, NULL);
        cenv_templates_write(w, x->store, a->id, &st, doc);
        cenv_json_write_bool(w, "imported", a->taken);
        cenv_json_write_end(w);
    }
    cenv_json_free(doc);
    return rc;
}

int cenv_intake_reply(struct cenv_intake *x, uint64_t start_ns, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    int rc = 0;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_array(&w, "templates");
    for (const struct cenv_intake_item *a = x->items; a && rc == 0; a = a->next)
        rc = reply_template(x, a, &w);
    cenv_json_write_end(&w);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - start_ns);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, x->err);
    return rc;
}
