/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking in an archive of templates: all of it, or nothing. Each template is unpacked into a
 * scratch directory of the store, its sum compared, then cloned (by links: both lie in there),
 * which relocates it from the prefix on the machine that wrote it to the place where it will be.
 * When the archive is read to its end each is published by one rename; a failure takes back those
 * that were.
 *
 * What is in the store already is stepped over. A later template may have contents of it: they are
 * sought in the one that is here, which need not have them (its bytecode may be another); then the
 * archive is read again, and all of it is unpacked.
 */
#include <stdio.h>

#include "archive/archive.h"
#include "archive/archive_head.h"
#include "archive/archive_reader.h"
#include "archive/arrival.h"
#include "archive/unpack.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hex.h"
#include "cenv.h"
#include "codec/options.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_remove.h"
#include "os/lock.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/store_lock.h"
#include "store/template_entry.h"
#include "template/templates.h"

enum { PATH_BYTES_MAX = 1 << 20, REQUEST_MAX = 128 };

/* Requests of one archive; those beyond are solved when they are asked. */
enum { REQUESTS_MAX = 1 << 18 };

/* One process imports at a time: of several that read one archive the first does the work. */
#define LOCK_KEY "import"

/* What led to a template where it was made. */
struct request {
    struct request *next;
    const char *name; /* of its file */
    bool entered;     /* by us */
};

/* One template on its way in. */
struct arrival {
    struct arrival *next;
    unsigned n;
    const char *id;
    struct request *requests;
    bool made;  /* <n> in the scratch directory is the entry */
    bool kept;  /* <n>.src there is as it was exported */
    bool taken; /* it was not there, and is now */
};

struct importer {
    struct cenv_store *store;
    struct cenv_scratch scratch;
    struct cenv_archive_reader reader;
    struct cenv_arena arena;
    struct cenv_request machine; /* only its virtual packages */
    struct arrival *arrivals, **end;
    size_t nr_requests;
    bool keep_all; /* to unpack what is in the store already, too */
    bool is_short; /* that would help */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- into the scratch directory ---- */

/* Whether the m-th is not of this archive, but was in the store. */
static bool was_there(const struct importer *x, unsigned m)
{
    const struct arrival *a = x->arrivals;
    while (a && a->n != m)
        a = a->next;
    return a && !a->made && !a->kept;
}

/* The prefix of a template that came earlier: where it was unpacked, or where it was already. */
static int open_earlier(void *ctx, unsigned m, struct cenv_error *err)
{
    const struct importer *x = ctx;
    const struct arrival *a = x->arrivals;
    char source[CENV_ARRIVAL_NAME], entry[CENV_ARRIVAL_NAME];
    struct cenv_buf path;
    while (a && a->n != m)
        a = a->next;
    if (!a)
        return cenv_error_set(err, CENV_EFAIL, "template %u of the archive is lost", m);
    cenv_arrival_names(m, source, entry);
    if (a->kept)
        return cenv_fs_open_dir(x->scratch.fd, source, err);
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_buf_addf(&path, "%s/" CENV_TEMPLATE_PREFIX, a->made ? entry : a->id);
    int top = a->made ? x->scratch.fd : x->store->dirs[CENV_STORE_TEMPLATES];
    int fd = path.failed ? cenv_error_oom(err)
                         : cenv_fs_open_beneath(top, path.data, 0, err);
    cenv_buf_release(&path);
    return fd;
}

/* One template whose head was read. */
struct unpacking {
    struct importer *x;
    unsigned n;
    const struct cenv_archive_head *head;
};

static int unpack_source(void *ctx, int dir, struct cenv_error *err)
{
    const struct unpacking *u = ctx;
    struct importer *x = u->x;
    struct cenv_unpack unpack = {.reader = &x->reader,
                                 .n = u->n,
                                 .head = u->head->sha256,
                                 .from = u->head->from,
                                 .store_path = x->store->path,
                                 .open_earlier = open_earlier,
                                 .ctx = x};
    (void)err;
    int rc = cenv_unpack_members(&unpack, dir);
    if (rc < 0)
        x->is_short = unpack.short_of && was_there(x, unpack.short_of - 1);
    return rc;
}

static struct cenv_arrival arrival_of(struct unpacking *u)
{
    return (struct cenv_arrival){.store = u->x->store,
                                 .scratch = u->x->scratch.fd,
                                 .n = u->n,
                                 .id = u->head->id,
                                 .from = u->head->from,
                                 .doc = u->head->doc,
                                 .fill = unpack_source,
                                 .ctx = u,
                                 .task = u->x->task,
                                 .err = u->x->err};
}

/* ---- reading the archive ---- */

static bool is_request_file(struct cenv_str name)
{
    unsigned char raw[(CENV_STORE_KEY - 1) / 2];
    return name.len == CENV_STORE_KEY - 1 + strlen(".json") &&
           cenv_str_ends(name, CENV_STR(".json")) &&
           cenv_unhex(cenv_str_slice(name, 0, CENV_STORE_KEY - 1), raw, sizeof(raw));
}

static int add_request(struct importer *x, struct arrival *a, struct cenv_str name)
{
    struct request *request = cenv_arena_calloc(&x->arena, 1, sizeof(*request));
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
static int note_requests(struct importer *x, struct arrival *a,
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

static int note_arrival(struct importer *x, const struct cenv_archive_head *head,
                        unsigned n, struct arrival **out)
{
    struct arrival *a = cenv_arena_calloc(&x->arena, 1, sizeof(*a));
    if (a)
        a->id = cenv_arena_str(&x->arena, cenv_str(head->id)).data;
    if (!a || !a->id)
        return cenv_error_oom(x->err);
    a->n = n;
    *x->end = a;
    x->end = &a->next;
    *out = a;
    return note_requests(x, a, cenv_json_get(head->json, "requests"));
}

/* Only for the contents that later ones have of it. */
static int keep_source(struct cenv_arrival *arrival, struct arrival *a)
{
    int src = cenv_arrival_unpack(arrival);
    if (src < 0)
        return src;
    cenv_fd_close(src);
    a->kept = true;
    return 0;
}

/* One that is there is stepped over. */
static int receive_members(struct importer *x, struct arrival *a,
                           const struct cenv_archive_head *head)
{
    struct cenv_unpack unpack = {.reader = &x->reader, .n = a->n, .head = head->sha256};
    struct unpacking unpacking = {x, a->n, head};
    struct cenv_arrival arrival = arrival_of(&unpacking);
    int rc = cenv_template_entry_find(x->store, a->id, x->err);
    if (rc == 0)
        return !x->keep_all ? cenv_unpack_nothing(&unpack) : keep_source(&arrival, a);
    if (rc == 1)
        rc = cenv_arrival_make(&arrival);
    a->made = rc == 0;
    return rc;
}

static int receive_template(struct importer *x, unsigned n)
{
    struct cenv_archive_head head;
    struct arrival *arrival = NULL;
    int rc = cenv_archive_head_read(&head, &x->reader, n, &x->machine, &x->arena);
    if (rc == 0)
        rc = note_arrival(x, &head, n, &arrival);
    if (rc == 0)
        rc = receive_members(x, arrival, &head);
    cenv_archive_head_release(&head);
    return rc;
}

static int read_archive(struct importer *x, const char *path)
{
    unsigned n = 0;
    int rc = cenv_archive_reader_open(&x->reader, path, x->task, x->err);
    while (rc == 0 && (rc = cenv_archive_reader_next(&x->reader)) == 1)
        rc = receive_template(x, n++);
    if (rc == 0 && n == 0)
        rc = cenv_archive_reader_refuse(&x->reader, "it is no archive of templates");
    if (rc == CENV_EINTEGRITY || rc == CENV_EPREFIX)
        cenv_error_prefix(x->err, "archive '%s'", path);
    cenv_archive_reader_close(&x->reader);
    return rc;
}

static int receive_all(struct importer *x, const char *path)
{
    int rc = read_archive(x, path);
    if (!x->is_short)
        return rc;
    x->arrivals = NULL;
    x->end = &x->arrivals;
    x->nr_requests = 0;
    x->keep_all = true;
    x->is_short = false;
    cenv_error_release(x->err);
    rc = cenv_fs_remove_content(x->scratch.fd, x->err);
    if (rc == 0)
        rc = read_archive(x, path);
    return rc;
}

/* ---- publishing ---- */

/* In the place of what lies there without a whole template.json: that was never finished. */
static int publish_entry(struct importer *x, struct arrival *a)
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
static int publish_arrival(struct importer *x, struct arrival *a)
{
    struct cenv_lock *lock;
    int rc = cenv_template_entry_lock(x->store, a->id, &lock, x->task, x->err);
    if (rc < 0)
        return rc;
    rc = publish_entry(x, a);
    cenv_template_entry_unlock(x->store, a->id, lock);
    return rc;
}

static int enter_request(struct importer *x, const struct arrival *a,
                         struct request *request)
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

static int enter_requests(struct importer *x, const struct arrival *a)
{
    int rc = 0;
    for (struct request *at = a->requests; at && rc == 0; at = at->next)
        rc = enter_request(x, a, at);
    return rc;
}

/* What is in the scratch directory then goes with it. */
static void take_back(struct importer *x)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    for (struct arrival *a = x->arrivals; a; a = a->next) {
        for (struct request *at = a->requests; at; at = at->next)
            if (at->entered)
                cenv_raw_unlink(x->store->dirs[CENV_STORE_REQUESTS], at->name);
        if (a->taken)
            cenv_publish_withdraw(x->store, x->store->dirs[CENV_STORE_TEMPLATES], a->id,
                                  x->task, &ignored);
    }
    cenv_error_release(&ignored);
}

static int publish_all(struct importer *x)
{
    int rc = cenv_publish_sync(x->store, x->task, x->err);
    for (struct arrival *a = x->arrivals; a && rc == 0; a = a->next)
        if (a->made)
            rc = publish_arrival(x, a);
    for (struct arrival *a = x->arrivals; a && rc == 0; a = a->next)
        rc = enter_requests(x, a);
    return rc;
}

/* ---- what is told of it ---- */

static int reply_template(struct importer *x, const struct arrival *a,
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

static int write_reply(struct importer *x, uint64_t start_ns, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    int rc = 0;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_array(&w, "templates");
    for (const struct arrival *a = x->arrivals; a && rc == 0; a = a->next)
        rc = reply_template(x, a, &w);
    cenv_json_write_end(&w);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - start_ns);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, x->err);
    return rc;
}

/* ---- the call ---- */

static int import_archive(struct importer *x, const char *path, struct cenv_buf *out)
{
    uint64_t start_ns = cenv_clock_ns();
    size_t before = out->len;
    int rc = cenv_scratch_open(x->store, &x->scratch, x->err);
    if (rc < 0)
        return rc;
    rc = receive_all(x, path);
    if (rc == 0)
        rc = publish_all(x);
    if (rc == 0)
        rc = write_reply(x, start_ns, out);
    if (rc < 0) {
        out->len = before;
        take_back(x);
    }
    x->scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(x->store, &x->scratch);
    return rc;
}

static int import_in_turn(struct importer *x, const char *path, struct cenv_buf *out)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_IMPORT, "");
    struct cenv_lock *lock;
    int rc = cenv_store_lock_take(x->store, LOCK_KEY, &lock, x->task, x->err);
    if (rc == 0) {
        rc = import_archive(x, path, out);
        cenv_store_lock_release(x->store, LOCK_KEY, lock);
    }
    cenv_span_end(x->task, &span);
    return rc;
}

struct options {
    const struct cenv_json *virtual_packages;
};

static int parse_options(struct importer *x, const char *text)
{
    static const struct cenv_option table[] = {
        {"virtual_packages", CENV_OPTION_LIST,
         offsetof(struct options, virtual_packages), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template import", table);
    struct options wanted = {0};
    struct cenv_json *doc = NULL;
    int rc = cenv_options_parse(&options, &doc, text, &wanted, x->err);
    if (rc == 0)
        rc = cenv_request_parse_virtuals(&x->machine, wanted.virtual_packages,
                                         &x->arena, x->err);
    cenv_json_free(doc);
    return rc;
}

int cenv_template_import(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct importer x = {.store = store, .end = &x.arrivals, .task = task, .err = err};
    struct cenv_lease *lease = NULL;
    cenv_arena_init(&x.arena);
    int rc = parse_options(&x, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = import_in_turn(&x, path, out);
    cenv_lease_free(lease);
    cenv_arena_release(&x.arena);
    return rc;
}
