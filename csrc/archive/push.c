/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pushing a template to a remote: its delta and, if asked for, its packages; then its description
 * under its id and its requests, so that whoever finds one finds all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/outgoing.h"
#include "archive/parcel.h"
#include "archive/push_packages.h"
#include "archive/reach.h"
#include "archive/requests.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "cenv.h"
#include "codec/options.h"
#include "fetch/fetch_packages.h"
#include "os/fs.h"
#include "store/layout.h"

enum { LEVEL = 12, REQUESTS_MAX = 16 };

#define DELTA_NAME "delta"

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
    struct cenv_outgoing_delta delta;
    struct cenv_scratch scratch;
    bool has_scratch;
    struct cenv_json *records; /* completed */
    struct cenv_push_packages packages;
    struct cenv_buf text; /* the description */
    struct cenv_arena arena;
    struct cenv_parcel parcel;     /* what it says */
    struct cenv_remote_blob *refs; /* what it refers to: the delta first */
    struct cenv_remote_blob **list;
    size_t nr_refs;
    bool there; /* the remote had all */
    uint64_t sent, requests;
    struct cenv_json_writer w;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- a description, and what it refers to ---- */

static void release_parcel(struct pusher *p)
{
    for (size_t i = 0; i < p->nr_refs; i++)
        cenv_error_release(&p->refs[i].err);
    cenv_free(p->refs);
    cenv_free(p->list);
    p->refs = NULL;
    p->list = NULL;
    p->nr_refs = 0;
    cenv_parcel_release(&p->parcel);
}

static void set_ref(struct pusher *p, size_t i, const char *sha256, uint64_t size,
                    enum cenv_blob_kind kind)
{
    struct cenv_remote_blob *ref = &p->refs[i];
    ref->size = size;
    ref->kind = kind;
    snprintf(ref->sha256, sizeof(ref->sha256), "%s", sha256);
    p->list[i] = ref;
}

static int list_refs(struct pusher *p)
{
    const struct cenv_parcel *parcel = &p->parcel;
    size_t nr = 1 + parcel->nr_packages;
    p->refs = cenv_calloc(nr, sizeof(*p->refs));
    p->list = cenv_calloc(nr, sizeof(*p->list));
    if (!p->refs || !p->list)
        return cenv_error_oom(p->err);
    p->nr_refs = nr;
    set_ref(p, 0, parcel->delta.sha256, parcel->delta.size, CENV_BLOB_DELTA);
    for (size_t i = 1; i < nr; i++)
        set_ref(p, i, parcel->packages[i - 1].sha256, parcel->packages[i - 1].size,
                cenv_push_packages_kind(parcel->packages[i - 1].fn));
    return 0;
}

/* The description in hand: 1, 0 where it is none of this template, or a status. */
static int read_parcel(struct pusher *p)
{
    struct cenv_error unread = CENV_ERROR_INIT;
    int rc =
        cenv_parcel_read(&p->parcel, cenv_buf_str(&p->text), NULL, &p->arena, &unread);
    if (rc == CENV_ENOMEM)
        return cenv_error_move(p->err, &unread);
    cenv_error_release(&unread);
    if (rc < 0 || strcmp(p->parcel.head.id, p->wanted.id) != 0)
        return 0;
    rc = list_refs(p);
    return rc == 0 ? 1 : rc;
}

/* ---- what is there ---- */

/* Whether all is there, the packages too where they are wanted: 1, 0 or a status. */
static int has_all(struct pusher *p)
{
    if (p->wanted.packages && p->nr_refs == 1)
        return 0;
    int rc = cenv_remote_has(p->reach.remote, p->list, p->nr_refs, p->task, p->err);
    bool has = rc == 0;
    for (size_t i = 0; rc == 0 && i < p->nr_refs; i++)
        has = has && p->refs[i].there;
    return rc < 0 ? rc : has;
}

/* What a remote says may be nonsense: that is as if it said nothing, and replaced. */
static int find_document(struct pusher *p, const char *key, struct cenv_buf *out)
{
    int rc = cenv_remote_find(p->reach.remote, key, out, p->task, p->err);
    if (rc != CENV_EINTEGRITY)
        return rc;
    cenv_error_release(p->err);
    cenv_buf_clear(out);
    return 0;
}

static int look_for_template(struct pusher *p)
{
    int rc = find_document(p, p->wanted.id, &p->text);
    if (rc == 1)
        rc = read_parcel(p);
    if (rc == 1)
        rc = has_all(p);
    p->there = rc == 1;
    if (!p->there) {
        release_parcel(p);
        cenv_buf_clear(&p->text);
    }
    return rc < 0 ? rc : 0;
}

/* ---- the delta and the description ---- */

static int make_delta(struct pusher *p, struct cenv_delta_contents *contents)
{
    int rc =
        cenv_fetch_packages_obtain(p->store, cenv_json_get(p->template.doc, "records"),
                                   &p->wanted.fetch, p->task, &p->records, p->err);
    if (rc == 0)
        rc = cenv_scratch_open(p->store, &p->scratch, p->err);
    if (rc < 0)
        return rc;
    p->has_scratch = true;
    p->delta = (struct cenv_outgoing_delta){.scratch = &p->scratch,
                                            .file = DELTA_NAME,
                                            .linked = true,
                                            .level = LEVEL,
                                            .contents = contents,
                                            .skipped = &p->w};
    return cenv_outgoing_write_delta(&p->template, &p->delta);
}

static int describe_template(struct pusher *p)
{
    struct cenv_parcel_facts facts = {.store = p->store,
                                      .id = p->wanted.id,
                                      .prefix = cenv_outgoing_prefix(&p->template),
                                      .doc = p->template.doc,
                                      .linked = true,
                                      .delta = p->delta.facts,
                                      .packages = p->packages.packages,
                                      .nr_packages = p->packages.nr,
                                      .task = p->task};
    int rc = cenv_parcel_write(&facts, &p->text, p->err);
    if (rc == 0)
        rc = read_parcel(p);
    if (rc == 0)
        rc = cenv_error_set(p->err, CENV_EPREFIX, "template %.12s cannot be described",
                            p->wanted.id);
    return rc == 1 ? 0 : rc;
}

static int send_delta(struct pusher *p)
{
    struct cenv_remote_blob blob = {.size = p->delta.facts.size,
                                    .kind = CENV_BLOB_DELTA,
                                    .dir = p->scratch.fd,
                                    .file = DELTA_NAME};
    struct cenv_remote_blob *const list[] = {&blob};
    snprintf(blob.sha256, sizeof(blob.sha256), "%s", p->delta.facts.sha256);
    int rc = cenv_remote_put_blobs(p->reach.remote, list, 1, p->task, p->err);
    if (rc == 0 && blob.rc < 0)
        rc = cenv_error_move(p->err, &blob.err);
    cenv_error_release(&blob.err);
    p->sent += blob.size;
    return rc;
}

static int send_packages(struct pusher *p)
{
    struct cenv_push_sending sending = {.remote = p->reach.remote,
                                        .records = p->records,
                                        .fetch = &p->wanted.fetch,
                                        .scratch = p->scratch.fd,
                                        .task = p->task,
                                        .err = p->err};
    int rc = p->wanted.packages ? cenv_push_packages_send(&p->packages, &sending) : 0;
    p->sent += p->packages.sent;
    return rc;
}

static int send_template(struct pusher *p)
{
    struct cenv_delta_contents contents = {0};
    int rc = make_delta(p, &contents);
    if (rc == 0)
        rc = send_packages(p);
    if (rc == 0)
        rc = send_delta(p);
    if (rc == 0)
        rc = describe_template(p);
    cenv_delta_contents_release(&contents);
    return rc;
}

/* ---- keys ---- */

static int put_key(struct pusher *p, const char *key)
{
    p->sent += p->text.len;
    return cenv_remote_put(p->reach.remote, key, cenv_buf_str(&p->text), p->list,
                           p->nr_refs, p->task, p->err);
}

/* One that leads there already is not put again. */
static int put_request(struct pusher *p, const char *key)
{
    struct cenv_buf found;
    cenv_buf_init(&found, CENV_PARCEL_MAX);
    int rc = p->there ? find_document(p, key, &found) : 0;
    bool same = rc == 1 && cenv_str_eq(cenv_buf_str(&found), cenv_buf_str(&p->text));
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

static int put_keys(struct pusher *p)
{
    int rc = p->there ? 0 : put_key(p, p->wanted.id);
    if (rc == 0)
        rc = p->wanted.requests ? put_given(p) : put_latest(p);
    return rc;
}

/* ---- the call ---- */

static int push_template(struct pusher *p)
{
    int rc = look_for_template(p);
    if (rc == 0 && !p->there)
        rc = send_template(p);
    if (rc == 0)
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
    cenv_json_write_u64(w, "delta", p->parcel.delta.size);
    cenv_json_write_u64(w, "bytes", p->delta.bytes);
    cenv_json_write_u64(w, "packages", p->parcel.nr_packages);
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
    release_parcel(p);
    if (p->has_scratch)
        cenv_scratch_close(p->store, &p->scratch);
    cenv_push_packages_release(&p->packages);
    cenv_json_free(p->records);
    cenv_outgoing_close(&p->template);
    cenv_reach_close(&p->reach);
    cenv_buf_release(&p->text);
    cenv_arena_release(&p->arena);
}

int cenv_template_push(struct cenv_store *store, const char *options_json,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct pusher p = {.store = store,
                       .template = {.dir = -1, .prefix = -1},
                       .task = task,
                       .err = err};
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    cenv_buf_init(&p.text, CENV_PARCEL_MAX);
    int rc = parse_options(&p, &doc, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = cenv_outgoing_open(&p.template, store, p.wanted.id, task, err);
    if (rc == 0)
        rc = push_and_reply(&p, out);
    p.scratch.hurried = rc == CENV_ECANCELLED;
    release_pusher(&p);
    cenv_lease_free(lease);
    cenv_json_free(doc);
    return rc;
}
