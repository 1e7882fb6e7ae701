/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repodata of many subdirs at once. What lies on this machine is read in place; the rest is kept in
 * the store as the server sent it (the index of shards preferred where they are wanted, then .zst)
 * beside a state file with the reply's headers, so that the next time asks "has it changed?".
 */
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "cenv.h"
#include "codec/limits.h"
#include "codec/options.h"
#include "fetch/local_repodata.h"
#include "fetch/repodata_check.h"
#include "fetch/repodata_state.h"
#include "fetch/subdir_fetch.h"
#include "net/network.h"
#include "os/fs.h"
#include "repodata/shard_index.h"

enum { PARALLEL = 8 };

/* ---- asking the server ---- */

/* The end of the URL, as long as a span can tell. */
static const char *name_transfer(const struct cenv_subdir_fetch *subdir)
{
    enum { LONGEST = 127 };
    struct cenv_str url = cenv_secret_url_text(subdir->target);

    return url.data + (url.len > LONGEST ? url.len - LONGEST : 0);
}

/* Asks for one form; with the headers of what we have, when that is of the same form. */
static int set_target(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir,
                      size_t index, enum cenv_subdir_form form)
{
    const struct cenv_subdir_form_names *names = cenv_subdir_fetch_form(form);
    const char *have = cenv_json_get_cstr(subdir->state, "form");
    bool same = have && strcmp(have, names->ext) == 0 &&
                !cenv_json_get_true(subdir->state, "missing");
    const char *etag = cenv_json_get_cstr(subdir->state, "etag");
    const char *modified = cenv_json_get_cstr(subdir->state, "modified");

    subdir->form = form;
    subdir->asked[form] = true;
    cenv_secret_url_free(subdir->target);
    subdir->target = NULL;
    int rc = cenv_secret_url_child(&subdir->target, subdir->url, cenv_str(names->fn),
                                   r->err);
    snprintf(subdir->file, sizeof(subdir->file), "%zu%s", index, names->ext);
    subdir->transfer = (struct cenv_http_transfer){
        .url = subdir->target,
        .etag = same ? etag : NULL,
        .modified = same && !(etag && *etag) ? modified : NULL,
        .dir = r->scratch.fd,
        .file = subdir->file,
        .max_size = form == CENV_SUBDIR_SHARDS ? CENV_SHARD_INDEX_MAX
                    : form == CENV_SUBDIR_ZST  ? CENV_LIMITS_REPODATA_MAX / 4
                                               : CENV_LIMITS_REPODATA_MAX,
        .text = form == CENV_SUBDIR_JSON,
        .stage = CENV_STAGE_DOWNLOAD_INDICES,
        .what = name_transfer(subdir),
    };
    return rc;
}

static int send_requests(struct cenv_repodata_fetch *r, struct cenv_network *network,
                         enum cenv_subdir_form form)
{
    struct cenv_http_transfer **list =
        cenv_calloc(r->nr, sizeof(struct cenv_http_transfer *));
    size_t nr = 0;
    int rc = list ? 0 : cenv_error_oom(r->err);

    for (size_t i = 0; i < r->nr && rc == 0; i++) {
        struct cenv_subdir_fetch *subdir = &r->subdirs[i];
        if (subdir->done || cenv_repodata_state_lacks(r, subdir, form))
            continue;
        rc = set_target(r, subdir, i, form);
        list[nr++] = &subdir->transfer;
    }
    if (rc == 0)
        rc = cenv_http_run(network->http, list, nr, PARALLEL, NULL, NULL, r->task,
                           r->err);
    cenv_free(list);
    return rc;
}

/* ---- taking the answer ---- */

/* The reply says what there is: data that `st` tells of, or NULL for none. */
static int use_reply(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir,
                     const struct cenv_stat *st)
{
    if (!cenv_repodata_state_renew(r, subdir, st))
        return cenv_error_oom(r->err);
    int rc = cenv_repodata_state_save(r, subdir);
    if (rc == 0)
        rc = cenv_repodata_state_use(r, subdir);
    return rc;
}

/* A 200: from the scratch directory into the store. */
static int take_new(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir)
{
    int dir = r->store->dirs[CENV_STORE_REPODATA];
    struct cenv_stat st;
    char name[64];
    int rc = cenv_repodata_check(r, subdir);

    if (!subdir->why)
        subdir->why = subdir->transfer.etag || subdir->transfer.modified
                          ? "it has changed on the server"
                          : "the server names no version to ask by";
    snprintf(name, sizeof(name), "%s%s", subdir->key,
             cenv_subdir_fetch_form(subdir->form)->ext);
    if (rc == 0)
        rc = cenv_fs_stat(r->scratch.fd, subdir->file, &st, r->err);
    if (rc == 0)
        rc = cenv_fs_rename(r->scratch.fd, subdir->file, dir, name, r->err);
    if (rc < 0)
        return rc;
    memcpy(subdir->file, name, sizeof(name));
    return use_reply(r, subdir, &st);
}

/* A 304: what we have is what there is. */
static int take_old(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir)
{
    int rc = cenv_repodata_state_save(r, subdir);

    snprintf(subdir->file, sizeof(subdir->file), "%s",
             cenv_json_get_cstr(subdir->state, "file"));
    subdir->hit = true;
    if (rc == 0)
        rc = cenv_repodata_state_use(r, subdir);
    return rc;
}

static int take_answer(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir)
{
    struct cenv_http_transfer *transfer = &subdir->transfer;
    long status = transfer->reply.status;

    if (transfer->rc == 0 && status == 200)
        return take_new(r, subdir);
    if (transfer->rc == 0 && status == 304 && subdir->state)
        return take_old(r, subdir);
    /* Some servers (S3) answer 403 for what is not there; the next form is asked for. */
    if (transfer->rc == 0 && subdir->form != CENV_SUBDIR_JSON && status >= 400 &&
        status < 500 && status != 401 && status != 429)
        return 0;
    /* Without the plain file a form that was passed over is all there is, and has failed. */
    if (transfer->rc == 0 && status == 404 && subdir->passed.status)
        return cenv_error_move(r->err, &subdir->passed);
    if (transfer->rc == 0 && status == 404)
        return use_reply(r, subdir, NULL);
    return cenv_network_set_error(transfer, r->err);
}

/*
 * Only repodata.json must be there. That another form cannot be had, or is none, whatever the
 * server says of it, is no failure; but a server that cannot be reached, a full disk, and the
 * user's Ctrl-C are.
 */
static bool may_pass_over(const struct cenv_subdir_fetch *subdir, int rc)
{
    bool ours = rc == CENV_ENOMEM || rc == CENV_EOS || rc == CENV_ECANCELLED;
    bool reached = subdir->transfer.rc == 0 || subdir->transfer.reply.reached;

    return subdir->form != CENV_SUBDIR_JSON && !ours && reached;
}

static int take_reply(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir)
{
    int rc = take_answer(r, subdir);

    subdir->received += subdir->transfer.reply.received;
    subdir->took_ns += subdir->transfer.took_ns;
    if (rc == 0 || !may_pass_over(subdir, rc))
        return rc;
    snprintf(subdir->notes[subdir->form], sizeof(subdir->notes[0]),
             "the plain repodata.json is taken instead: %s", r->err->message);
    cenv_error_move(&subdir->passed, r->err);
    subdir->asked[subdir->form] = false; /* it may be there the next time */
    return 0;
}

static int ask_form(struct cenv_repodata_fetch *r, struct cenv_network *network,
                    enum cenv_subdir_form form)
{
    int rc = send_requests(r, network, form);

    for (size_t i = 0; i < r->nr && rc == 0; i++) {
        struct cenv_subdir_fetch *subdir = &r->subdirs[i];
        if (!subdir->done && subdir->asked[form])
            rc = take_reply(r, subdir);
    }
    return rc;
}

static int ask_servers(struct cenv_repodata_fetch *r)
{
    struct cenv_network network = {.http = NULL};
    int rc = cenv_scratch_open(r->store, &r->scratch, r->err);

    if (rc == 0)
        rc = cenv_network_open(&network, r->network, r->err);
    for (int form = CENV_SUBDIR_SHARDS; form >= CENV_SUBDIR_JSON && rc == 0; form--)
        rc = ask_form(r, &network, (enum cenv_subdir_form)form);
    cenv_network_close(&network);
    cenv_scratch_close(r->store, &r->scratch);
    return rc;
}

/* ---- the whole ---- */

/* A request for one subdir. */
struct wanted {
    const char *url;
    bool required;
};

static const struct cenv_option subdir_table[] = {
    {"url", CENV_OPTION_TEXT, offsetof(struct wanted, url), NULL},
    {"required", CENV_OPTION_BOOL, offsetof(struct wanted, required), NULL},
};
static const struct cenv_options options_of_subdir =
    CENV_OPTIONS("fetch_repodata", subdir_table);

static int begin_subdir(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir,
                        const struct cenv_json *request)
{
    struct wanted wanted = {.url = NULL};
    struct cenv_buf path;
    int rc = cenv_options_read(&options_of_subdir, request, &wanted, r->err);

    subdir->required = wanted.required;
    if (rc == 0 && (!wanted.url || !*wanted.url))
        rc = cenv_error_set(r->err, CENV_EUSAGE, "a repodata request has no url");
    if (rc == 0)
        rc = cenv_secret_url_new(&subdir->url, cenv_str(wanted.url), r->err);
    if (rc < 0)
        return rc;
    cenv_buf_init(&path, CENV_SUBDIR_URL_MAX);
    int local = cenv_network_local_path(subdir->url, &path, r->err);
    subdir->local = subdir->done = local == 1;
    if (local < 0)
        rc = local;
    else if (local)
        rc = cenv_local_repodata_use(subdir, cenv_buf_str(&path), r->shards, r->err);
    else
        rc = cenv_layout_key(cenv_secret_url_text(subdir->url), subdir->key, r->err);
    cenv_buf_release(&path);
    if (rc == 0 && !subdir->local)
        rc = cenv_repodata_state_load(r, subdir);
    return rc;
}

/* From the store without asking, where that is right. */
static int use_what_is_there(struct cenv_repodata_fetch *r,
                             struct cenv_subdir_fetch *subdir)
{
    if (subdir->done)
        return 0;
    if (subdir->state && (r->offline || cenv_repodata_state_is_fresh(r, subdir))) {
        subdir->hit = true;
        return cenv_repodata_state_use(r, subdir);
    }
    if (!r->offline)
        return 0;
    return cenv_subdir_fetch_fail(
        subdir, "has never been fetched, and --offline forbids to fetch it now",
        "run once without --offline", r->err);
}

static void count_subdirs(struct cenv_repodata_fetch *r, struct cenv_span *span)
{
    for (size_t i = 0; i < r->nr; i++) {
        span->items++;
        span->hits += r->subdirs[i].hit;
        span->misses += !r->subdirs[i].hit;
    }
    if (span->misses)
        snprintf(span->miss_reason, sizeof(span->miss_reason),
                 "new or changed on the server");
}

static int fetch_all(struct cenv_repodata_fetch *r, const struct cenv_json *list)
{
    const struct cenv_json *item = cenv_json_first(list);
    bool asked = false;
    int rc = 0;

    for (size_t i = 0; i < r->nr && rc == 0; i++, item = cenv_json_next(item))
        rc = begin_subdir(r, &r->subdirs[i], item);
    for (size_t i = 0; i < r->nr && rc == 0; i++) {
        rc = use_what_is_there(r, &r->subdirs[i]);
        asked |= !r->subdirs[i].done;
    }
    if (rc == 0 && asked)
        rc = ask_servers(r);
    return rc;
}

static void write_notes(struct cenv_json_writer *w,
                        const struct cenv_subdir_fetch *subdir)
{
    cenv_json_write_array(w, "notes");
    for (int form = 0; form < CENV_NR_SUBDIR_FORMS; form++)
        if (subdir->notes[form][0])
            cenv_json_write_cstr(w, NULL, subdir->notes[form]);
    cenv_json_write_end(w);
}

/* What the cache did, why, what came over the network, and the version that is there now. */
static void write_cache(struct cenv_json_writer *w,
                        const struct cenv_subdir_fetch *subdir)
{
    const char *etag = cenv_json_get_cstr(subdir->state, "etag");
    const char *kept = subdir->took_ns ? "checked" : "hit";
    const char *cache = subdir->local ? "local" : subdir->hit ? kept : "miss";
    bool missed = !subdir->local && !subdir->hit;

    cenv_json_write_cstr(w, "cache", cache);
    cenv_json_write_cstr(w, "reason", missed && subdir->why ? subdir->why : "");
    cenv_json_write_u64(w, "received", subdir->received);
    cenv_json_write_seconds(w, "seconds", subdir->took_ns);
    cenv_json_write_cstr(w, "version", etag && *etag ? etag : subdir->identity);
}

static int write_report(const struct cenv_repodata_fetch *r, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    struct cenv_buf url;

    cenv_buf_init(&url, CENV_SUBDIR_URL_MAX);
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    for (size_t i = 0; i < r->nr; i++) {
        struct cenv_subdir_fetch *subdir = &r->subdirs[i];
        if (subdir->missing) {
            cenv_json_write_null(&w, NULL);
            continue;
        }
        cenv_buf_clear(&url); /* of repodata.json: packages lie beside it */
        cenv_buf_add_str(&url, cenv_secret_url_text(subdir->url));
        cenv_buf_puts(&url, "/repodata.json");
        cenv_json_write_object(&w, NULL);
        cenv_json_write_str(&w, "path", cenv_buf_str(&subdir->path));
        cenv_json_write_str(&w, "url", cenv_buf_str(&url));
        cenv_json_write_cstr(&w, "identity", subdir->identity);
        write_notes(&w, subdir);
        cenv_json_write_bool(&w, "hit", subdir->hit);
        write_cache(&w, subdir);
        cenv_json_write_u64(&w, "bytes", subdir->bytes);
        cenv_json_write_bool(&w, "shards", subdir->form == CENV_SUBDIR_SHARDS);
        cenv_json_write_end(&w);
    }
    cenv_json_write_end(&w);
    bool failed = url.failed;
    cenv_buf_release(&url);
    return failed ? cenv_error_oom(r->err) : cenv_json_writer_finish(&w, r->err);
}

struct given {
    bool offline, shards, zst;
    int64_t ttl;
    const struct cenv_json *network, *repodata;
};

static const struct cenv_option option_table[] = {
    {"offline", CENV_OPTION_BOOL, offsetof(struct given, offline), NULL},
    {"shards", CENV_OPTION_BOOL, offsetof(struct given, shards), NULL},
    {"zst", CENV_OPTION_BOOL, offsetof(struct given, zst), NULL},
    {"ttl", CENV_OPTION_INT, offsetof(struct given, ttl), NULL},
    {"network", CENV_OPTION_OBJECT, offsetof(struct given, network), NULL},
    {"repodata", CENV_OPTION_LIST, offsetof(struct given, repodata), NULL},
};
static const struct cenv_options options_of_fetch =
    CENV_OPTIONS("fetch_repodata", option_table);

static int fetch_given(struct cenv_repodata_fetch *r, const struct given *given)
{
    r->offline = given->offline;
    r->shards = given->shards;
    r->zst = given->zst;
    r->network = given->network;
    r->ttl = given->ttl;
    r->now = (int64_t)time(NULL);
    size_t nr = cenv_json_len(given->repodata);
    r->subdirs = cenv_calloc(nr + 1, sizeof(*r->subdirs));
    if (!r->subdirs)
        return cenv_error_oom(r->err);
    r->nr = nr;
    for (size_t i = 0; i < r->nr; i++)
        cenv_subdir_fetch_init(&r->subdirs[i]);
    return fetch_all(r, given->repodata);
}

static void release_subdirs(struct cenv_repodata_fetch *r)
{
    for (size_t i = 0; i < r->nr; i++)
        cenv_subdir_fetch_release(&r->subdirs[i]);
    cenv_free(r->subdirs);
}

int cenv_fetch_repodata(struct cenv_store *store, const char *requests_json,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_DOWNLOAD_INDICES, "");
    struct cenv_repodata_fetch r = {.store = store, .task = task, .err = err};
    struct given given = {.ttl = -1, .zst = true};
    struct cenv_json *doc = NULL;
    int rc = cenv_options_parse(&options_of_fetch, &doc, requests_json, &given, err);

    cenv_task_progress(task, CENV_STAGE_DOWNLOAD_INDICES, 0);
    if (rc == 0)
        rc = fetch_given(&r, &given);
    count_subdirs(&r, &span);
    cenv_span_end(task, &span);
    if (rc == 0)
        rc = write_report(&r, out);
    release_subdirs(&r);
    cenv_json_free(doc);
    return rc;
}
