/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pushing a template to a remote: its delta and, if asked for, its packages; then its description
 * under its id and its requests, so that whoever finds one finds all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/parcel.h"
#include "archive/pushed.h"
#include "archive/reach.h"
#include "archive/requests.h"
#include "archive/sending.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "cenv.h"
#include "codec/options.h"
#include "fetch/fetch_packages.h"
#include "os/fs.h"
#include "store/layout.h"

enum { REQUESTS_MAX = 16 };

struct wanted {
    const struct cenv_json *remote;
    const char *id;
    const struct cenv_json *requests; /* texts; NULL: those that the store has */
    bool packages;
    struct cenv_fetch_options fetch;
};

struct pusher {
    struct cenv_store *store;
    struct wanted wanted;
    struct cenv_reach reach;
    struct cenv_outgoing template;
    struct cenv_sending sending;
    struct cenv_pushed pushed;
    struct cenv_arena arena;
    bool there; /* the remote had all */
    uint64_t sent, requests;
    struct cenv_json_writer w;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- what is sent ---- */

static int describe_template(struct pusher *p)
{
    int rc = cenv_sending_describe(&p->sending, &p->pushed.text);
    if (rc == 0)
        rc = cenv_pushed_read(&p->pushed);
    if (rc == 0)
        rc = cenv_error_set(p->err, CENV_EPREFIX, "template %.12s cannot be described",
                            p->wanted.id);
    return rc == 1 ? 0 : rc;
}

static int send_template(struct pusher *p)
{
    struct cenv_delta_contents contents = {0};
    p->sending = (struct cenv_sending){
        .template = &p->template,
        .remote = p->reach.remote,
        .form = p->wanted.packages ? CENV_SENDING_PACKAGES : CENV_SENDING_REFERENCES,
        .fetch = &p->wanted.fetch,
        .contents = &contents,
        .skipped = &p->w};
    int rc = cenv_sending_send(&p->sending);
    p->sent += p->sending.sent;
    if (rc == 0)
        rc = describe_template(p);
    cenv_delta_contents_release(&contents);
    return rc;
}

/* ---- keys ---- */

static int put_key(struct pusher *p, const char *key)
{
    const struct cenv_pushed *put = &p->pushed;
    p->sent += put->text.len;
    return cenv_remote_put(p->reach.remote, key, cenv_buf_str(&put->text), put->list,
                           put->nr_refs, p->task, p->err);
}

/* One that leads there already is not put again. */
static int put_request(struct pusher *p, const char *key)
{
    struct cenv_buf found;
    cenv_buf_init(&found, CENV_PARCEL_MAX);
    int rc = p->there ? cenv_pushed_find_document(&p->pushed, key, &found) : 0;
    bool same =
        rc == 1 && cenv_str_eq(cenv_buf_str(&found), cenv_buf_str(&p->pushed.text));
    cenv_buf_release(&found);
    if (rc < 0 || same)
        return rc < 0 ? rc : 0;
    p->requests++;
    return put_key(p, key);
}

static int put_given(struct pusher *p)
{
    const struct cenv_json *request;
    char key[CENV_DIGEST_HEX_MAX];
    int rc = 0;
    cenv_json_each(request, p->wanted.requests)
    {
        if (rc == 0)
            rc = cenv_reach_request_key(cenv_json_str(request), key, p->err);
        if (rc == 0)
            rc = put_request(p, key);
    }
    return rc;
}

struct asked {
    struct cenv_str file; /* its name in the store */
    int64_t used_ns;
};

struct asked_list {
    struct pusher *p;
    struct asked *items;
    size_t nr, alloc;
};

static int by_use(const void *a, const void *b)
{
    const struct asked *x = a, *y = b;
    return (x->used_ns < y->used_ns) - (x->used_ns > y->used_ns);
}

static int note_request(void *ctx, const char *file, const struct cenv_json *doc,
                        struct cenv_error *err)
{
    struct asked_list *list = ctx;
    struct cenv_stat st;
    void *items = list->items;
    (void)doc;
    if (cenv_raw_stat(list->p->store->dirs[CENV_STORE_REQUESTS], file, &st) < 0)
        return 0; /* it is gone */
    if (!cenv_grow(&items, &list->alloc, list->nr, sizeof(*list->items)))
        return cenv_error_oom(err);
    list->items = items;
    struct asked *item = &list->items[list->nr];
    *item =
        (struct asked){cenv_arena_str(&list->p->arena, cenv_str(file)), st.mtime_ns};
    if (!item->file.data)
        return cenv_error_oom(err);
    list->nr++;
    return 0;
}

/* Those that were used last: an index that changes each day makes a new one each day. */
static int put_latest(struct pusher *p)
{
    struct asked_list list = {.p = p};
    char key[CENV_DIGEST_HEX_MAX];
    int rc = cenv_requests_each(p->store, p->wanted.id, note_request, &list, p->task,
                                p->err);
    if (rc == 0 && list.nr)
        qsort(list.items, list.nr, sizeof(*list.items), by_use);
    for (size_t i = 0; i < list.nr && i < REQUESTS_MAX && rc == 0; i++) {
        rc = cenv_reach_file_key(list.items[i].file, key, p->err);
        if (rc == 0)
            rc = put_request(p, key);
    }
    cenv_free(list.items);
    return rc;
}

static int put_id(struct pusher *p)
{
    int rc = put_key(p, p->wanted.id);
    if (rc == 0)
        rc = cenv_pushed_confirm(&p->pushed);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    cenv_error_set(p->err, CENV_EREMOTE,
                   "remote %.1000s: it took template %.12s, and has something else now",
                   cenv_secret_url_text(p->reach.url).data, p->wanted.id);
    return cenv_error_hint(p->err,
                           "check the URL: what answers there keeps nothing, or lies");
}

static int put_keys(struct pusher *p)
{
    int rc = p->there ? 0 : put_id(p);
    if (rc == 0)
        rc = p->wanted.requests ? put_given(p) : put_latest(p);
    return rc;
}

/* ---- the call ---- */

static int push_template(struct pusher *p)
{
    int rc = cenv_pushed_find(&p->pushed);
    p->there = rc == 1;
    if (rc == 0)
        rc = send_template(p);
    if (rc >= 0)
        rc = put_keys(p);
    return rc;
}

static int write_reply(struct pusher *p, uint64_t ns)
{
    struct cenv_json_writer *w = &p->w;
    cenv_json_write_end(w);
    cenv_json_write_cstr(w, "id", p->wanted.id);
    cenv_json_write_bool(w, "pushed", !p->there);
    cenv_json_write_u64(w, "sent", p->sent);
    cenv_json_write_u64(w, "delta", p->pushed.parcel.delta.size);
    cenv_json_write_u64(w, "bytes", p->sending.delta.bytes);
    cenv_json_write_u64(w, "packages", p->pushed.parcel.nr_packages);
    cenv_json_write_u64(w, "requests", p->requests);
    cenv_json_write_seconds(w, "seconds", ns);
    cenv_json_write_end(w);
    return cenv_json_writer_finish(w, p->err);
}

static int push_and_reply(struct pusher *p, struct cenv_buf *out)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_PUSH, p->wanted.id);
    size_t before = out->len;
    uint64_t start_ns = cenv_clock_ns();
    cenv_json_writer_init(&p->w, out, 0);
    cenv_json_write_object(&p->w, NULL);
    cenv_json_write_array(&p->w, "skipped");
    cenv_task_progress(p->task, CENV_STAGE_PUSH, 0);
    int rc = push_template(p);
    if (rc == 0)
        rc = write_reply(p, cenv_clock_ns() - start_ns);
    if (rc < 0)
        out->len = before;
    span.items = 1;
    span.bytes = p->sent;
    cenv_span_end(p->task, &span);
    return rc;
}

static int parse_options(struct pusher *p, struct cenv_json **doc, const char *text)
{
    static const struct cenv_option table[] = {
        {"remote", CENV_OPTION_OBJECT, offsetof(struct wanted, remote), NULL},
        {"id", CENV_OPTION_TEXT, offsetof(struct wanted, id), NULL},
        {"requests", CENV_OPTION_LIST, offsetof(struct wanted, requests), NULL},
        {"packages", CENV_OPTION_BOOL, offsetof(struct wanted, packages), NULL},
        CENV_FETCH_OPTION_ROWS(struct wanted, fetch),
    };
    static const struct cenv_options options = CENV_OPTIONS("template push", table);
    int rc = cenv_options_parse(&options, doc, text, &p->wanted, p->err);
    if (rc == 0 && !p->wanted.id)
        rc = cenv_error_set(p->err, CENV_EUSAGE, "no template was given");
    if (rc == 0)
        rc = cenv_reach_open(&p->reach, p->wanted.remote, p->err);
    return rc;
}

static void release_pusher(struct pusher *p)
{
    cenv_pushed_release(&p->pushed);
    cenv_sending_release(&p->sending);
    cenv_outgoing_close(&p->template);
    cenv_reach_close(&p->reach);
    cenv_arena_release(&p->arena);
}

int cenv_template_push(struct cenv_store *store, const char *options_json,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct pusher p = {.store = store,
                       .template = {.dir = -1, .prefix = -1},
                       .pushed = {.task = task, .err = err},
                       .task = task,
                       .err = err};
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    cenv_buf_init(&p.pushed.text, CENV_PARCEL_MAX);
    int rc = parse_options(&p, &doc, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = cenv_outgoing_open(&p.template, store, p.wanted.id, task, err);
    p.pushed.remote = p.reach.remote;
    p.pushed.id = p.wanted.id;
    p.pushed.doc = p.template.doc;
    p.pushed.packages = p.wanted.packages;
    if (rc == 0)
        rc = push_and_reply(&p, out);
    release_pusher(&p);
    cenv_lease_free(lease);
    cenv_json_free(doc);
    return rc;
}
