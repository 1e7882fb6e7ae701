/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pulling a template from a remote. Its description comes first, so that the caller can look at it;
 * then its delta, and the packages that this machine lacks. It is made as its maker had it, then
 * relocated and published as any other. Whatever the remote holds, it is compared with the digests
 * that lead to it, from the id on, and nothing of it stays that is not right.
 */
#include <stdio.h>
#include <string.h>

#include "archive/incoming.h"
#include "archive/reach.h"
#include "base/clock.h"
#include "cenv.h"
#include "codec/options.h"
#include "os/fs.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/template_entry.h"
#include "template/templates.h"

#define DELTA_NAME "delta"

/* ---- descriptions ---- */

struct sought {
    const struct cenv_json *remote;
    const char *id, *request;
};

static int refuse_id(const char *id, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EUSAGE, "'%.80s' is not the whole id of a template",
                   id ? id : "");
    return cenv_error_hint(err, "it has 64 digits; cenv template push prints it");
}

static int find_key(const struct sought *sought, char key[CENV_DIGEST_HEX_MAX],
                    struct cenv_error *err)
{
    if (sought->request)
        return cenv_reach_request_key(cenv_str(sought->request), key, err);
    if (!sought->id || !cenv_template_entry_is_id(sought->id))
        return refuse_id(sought->id, err);
    snprintf(key, CENV_DIGEST_HEX_MAX, "%s", sought->id);
    return 0;
}

/* 1 once it is there as JSON: an object, for "null" is what is told of none. */
static int add_document(struct cenv_str text, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_json_parse(&doc, text, "the description", err);
    if (rc == 0 && cenv_json_type(doc) != CENV_JSON_OBJECT)
        rc = cenv_error_set(err, CENV_EINTEGRITY, "the description is no JSON object");
    if (rc == 0)
        rc = cenv_parcel_check_sum(doc, err);
    if (rc == 0)
        rc = cenv_json_print(doc, 0, out) ? 1 : cenv_error_oom(err);
    cenv_json_free(doc);
    return rc;
}

static int find_description(const struct sought *sought, struct cenv_buf *out,
                            struct cenv_task *task, struct cenv_error *err)
{
    char key[CENV_DIGEST_HEX_MAX];
    struct cenv_reach reach = {0};
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_PARCEL_MAX);
    int rc = find_key(sought, key, err);
    if (rc == 0)
        rc = cenv_reach_open(&reach, sought->remote, err);
    if (rc == 0)
        rc = cenv_remote_find(reach.remote, key, &text, task, err);
    if (rc == 1)
        rc = add_document(cenv_buf_str(&text), out, err);
    cenv_reach_close(&reach);
    cenv_buf_release(&text);
    return rc < 0 ? rc : !rc;
}

int cenv_template_remote_find(const char *options_json, struct cenv_task *task,
                              struct cenv_buf *out, struct cenv_error *err)
{
    static const struct cenv_option table[] = {
        {"remote", CENV_OPTION_OBJECT, offsetof(struct sought, remote), NULL},
        {"id", CENV_OPTION_TEXT, offsetof(struct sought, id), NULL},
        {"request", CENV_OPTION_TEXT, offsetof(struct sought, request), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("remote find", table);
    struct sought sought = {0};
    struct cenv_json *doc = NULL;
    int rc = cenv_options_parse(&options, &doc, options_json, &sought, err);
    if (rc == 0)
        rc = find_description(&sought, out, task, err);
    cenv_json_free(doc);
    return rc;
}

/* ---- pulling ---- */

struct wanted {
    const struct cenv_json *remote, *virtual_packages;
    const struct cenv_json *urls; /* SHA-256 -> URL for this machine */
    const char *id;               /* that it must have */
    bool verify;
    struct cenv_fetch_options fetch;
};

struct puller {
    struct cenv_store *store;
    struct wanted wanted;
    struct cenv_reach reach;
    struct cenv_arena arena;
    struct cenv_request machine; /* only its virtual packages */
    struct cenv_parcel parcel;
    struct cenv_scratch scratch;
    struct cenv_incoming incoming;
    uint64_t received;
    bool pulled;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int refuse_parcel(const struct puller *p, const char *why)
{
    return cenv_error_set(p->err, CENV_EINTEGRITY, "%s", why);
}

static int get_delta(struct puller *p)
{
    const struct cenv_delta_facts *facts = &p->parcel.delta;
    struct cenv_remote_blob blob = {.size = facts->size,
                                    .kind = CENV_BLOB_DELTA,
                                    .dir = p->scratch.fd,
                                    .file = DELTA_NAME};
    struct cenv_remote_blob *const list[] = {&blob};
    snprintf(blob.sha256, sizeof(blob.sha256), "%s", facts->sha256);
    int rc = cenv_remote_get(p->reach.remote, list, 1, p->task, p->err);
    if (rc == 0 && blob.rc < 0)
        rc = cenv_error_move(p->err, &blob.err);
    if (rc == 0 && !blob.there)
        rc = refuse_parcel(p, "its delta is not there");
    cenv_error_release(&blob.err);
    p->received += rc == 0 ? blob.size : 0;
    return rc;
}

static int make_of_delta(struct puller *p, const struct cenv_delta_source *delta)
{
    p->incoming = (struct cenv_incoming){.store = p->store,
                                         .scratch = p->scratch.fd,
                                         .parcel = &p->parcel,
                                         .remote = p->reach.remote,
                                         .fetch = &p->wanted.fetch,
                                         .urls = p->wanted.urls,
                                         .verify = p->wanted.verify,
                                         .delta = delta,
                                         .task = p->task,
                                         .err = p->err};
    int rc = cenv_incoming_make(&p->incoming);
    p->received += p->incoming.received;
    return rc;
}

static int make_entry(struct puller *p)
{
    struct cenv_delta_source delta = {0};
    int rc = get_delta(p);
    if (rc < 0)
        return rc;
    int fd = cenv_fs_open_file(p->scratch.fd, DELTA_NAME, NULL, p->err);
    if (fd < 0)
        return fd;
    rc = cenv_incoming_open_delta(&delta, &p->parcel.delta, fd, 0, p->parcel.delta.size,
                                  p->task, p->err);
    if (rc == 0)
        rc = make_of_delta(p, &delta);
    cenv_delta_release(&delta.delta);
    cenv_fd_close(fd);
    return rc;
}

static int publish_entry(struct puller *p)
{
    char source[CENV_ARRIVAL_NAME], name[CENV_ARRIVAL_NAME];
    cenv_arrival_names(0, source, name);
    int rc = cenv_publish_sync(p->store, p->task, p->err);
    if (rc == 0)
        rc = cenv_publish_entry(p->scratch.fd, name,
                                p->store->dirs[CENV_STORE_TEMPLATES], p->parcel.head.id,
                                true, p->err);
    p->pulled = rc == 0;
    return rc;
}

/* Under the lock of its builders: those who want it too wait, and find it. */
static int make_unless_there(struct puller *p)
{
    int rc = cenv_template_entry_find(p->store, p->parcel.head.id, p->err);
    if (rc != 1)
        return rc;
    rc = cenv_reach_open(&p->reach, p->wanted.remote, p->err);
    if (rc == 0)
        rc = cenv_scratch_open(p->store, &p->scratch, p->err);
    if (rc < 0)
        return rc;
    rc = make_entry(p);
    if (rc == 0)
        rc = publish_entry(p);
    p->scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(p->store, &p->scratch);
    return rc;
}

static int write_reply(const struct puller *p, uint64_t ns, struct cenv_buf *out)
{
    struct cenv_json *doc = NULL;
    struct cenv_json_writer w;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(p->store, p->parcel.head.id, &doc, &st, p->err);
    if (rc == 1)
        return cenv_error_set(p->err, CENV_EFAIL, "template %s vanished",
                              p->parcel.head.id);
    if (rc < 0)
        return rc;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_templates_write(&w, p->store, p->parcel.head.id, &st, doc);
    cenv_json_write_bool(&w, "pulled", p->pulled);
    cenv_json_write_u64(&w, "received", p->received);
    cenv_json_write_u64(&w, "delta", p->pulled ? p->parcel.delta.size : 0);
    cenv_json_write_u64(&w, "packages", p->incoming.nr_packages);
    cenv_json_write_seconds(&w, "seconds", ns);
    cenv_json_write_end(&w);
    cenv_json_free(doc);
    return cenv_json_writer_finish(&w, p->err);
}

static int pull_template(struct puller *p, struct cenv_buf *out)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_PULL, p->parcel.head.id);
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_lock *lock;
    cenv_task_progress(p->task, CENV_STAGE_PULL, p->parcel.delta.size);
    int rc =
        cenv_template_entry_lock(p->store, p->parcel.head.id, &lock, p->task, p->err);
    if (rc < 0)
        return rc;
    rc = make_unless_there(p);
    cenv_template_entry_unlock(p->store, p->parcel.head.id, lock);
    if (rc == 0)
        rc = write_reply(p, cenv_clock_ns() - start_ns, out);
    span.items = p->pulled;
    span.bytes = p->received;
    cenv_span_end(p->task, &span);
    return rc;
}

/* ---- the call ---- */

static int parse_options(struct puller *p, struct cenv_json **doc, const char *text)
{
    static const struct cenv_option table[] = {
        {"remote", CENV_OPTION_OBJECT, offsetof(struct wanted, remote), NULL},
        {"id", CENV_OPTION_TEXT, offsetof(struct wanted, id), NULL},
        {"virtual_packages", CENV_OPTION_LIST,
         offsetof(struct wanted, virtual_packages), NULL},
        {"urls", CENV_OPTION_OBJECT, offsetof(struct wanted, urls), NULL},
        {"verify", CENV_OPTION_BOOL, offsetof(struct wanted, verify), NULL},
        CENV_FETCH_OPTION_ROWS(struct wanted, fetch),
    };
    static const struct cenv_options options = CENV_OPTIONS("template pull", table);
    int rc = cenv_options_parse(&options, doc, text, &p->wanted, p->err);
    if (rc == 0)
        rc = cenv_request_parse_virtuals(&p->machine, p->wanted.virtual_packages,
                                         &p->arena, p->err);
    return rc;
}

static int read_description(struct puller *p, const char *description)
{
    int rc = cenv_parcel_read(&p->parcel, cenv_str(description), &p->machine, &p->arena,
                              p->err);
    if (rc == 0 && p->wanted.id && strcmp(p->wanted.id, p->parcel.head.id) != 0)
        rc = refuse_parcel(p, "it describes another template");
    if (rc == 0 && !p->parcel.linked)
        rc = refuse_parcel(p, "it is not made of packages");
    return rc;
}

int cenv_template_pull(struct cenv_store *store, const char *description,
                       const char *options_json, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct puller p = {.store = store, .task = task, .err = err};
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    int rc = parse_options(&p, &doc, options_json);
    if (rc == 0)
        rc = read_description(&p, description);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = pull_template(&p, out);
    cenv_lease_free(lease);
    cenv_parcel_release(&p.parcel);
    cenv_reach_close(&p.reach);
    cenv_json_free(doc);
    cenv_arena_release(&p.arena);
    return rc;
}
