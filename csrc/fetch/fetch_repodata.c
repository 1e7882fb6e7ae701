/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repodata of many subdirs at once. What lies on this machine is read in place; the rest is kept in
 * the store as the server sent it (the index of shards preferred where they are wanted, then .zst)
 * beside a state file with the reply's headers, so that the next time asks "has it changed?". Data
 * and state must agree on size and time, or the headers are forgotten; both are replaced by rename,
 * data first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/json.h"
#include "codec/stream.h"
#include "codec/url.h"
#include "model/channel.h"
#include "net/http.h"
#include "net/network.h"
#include "os/fs.h"
#include "os/path.h"
#include "repodata/shard_index.h"
#include "store/layout.h"
#include "store/scratch.h"

enum {
    PARALLEL = 8,
    URL_MAX = 64 << 10,
    STATE_MAX = 1 << 20,
    FORM_SECONDS = 7 * 86400, /* how long "it has no .zst" is believed */
};

/* The forms of repodata, the better ones last. */
enum form { JSON, ZST, SHARDS, NR_FORMS };

static const struct {
    const char *fn, *ext; /* on the server; in the store */
    const char *lacking;  /* key of the state: since when it is known not to be there */
} forms[NR_FORMS] = {
    {"repodata.json", ".json", NULL},
    {"repodata.json.zst", ".json.zst", "no_zst"},
    {CENV_SHARD_INDEX_FN, ".shards", "no_shards"},
};

static const uint64_t max_repodata = 4ULL << 30;

/* One subdir. */
struct subdir {
    struct cenv_buf url;    /* as asked, no slash at the end; has secrets */
    struct cenv_buf safe;   /* without secrets */
    struct cenv_buf target; /* URL of the file asked for now */
    struct cenv_buf path;   /* of the file that serves; "" with `missing` */
    char key[CENV_STORE_KEY], file[64], identity[CENV_DIGEST_HEX_MAX];
    struct cenv_json *state; /* of the store's copy; NULL: none */
    bool required, local, missing, done, hit;
    enum form form;       /* asked for, or there */
    bool asked[NR_FORMS]; /* and this time not there, but for the last */
    uint64_t bytes;
    struct cenv_http_transfer transfer;
};

struct repodata {
    struct cenv_store *store;
    struct subdir *subdirs;
    size_t nr;
    bool offline, shards;
    const struct cenv_json *settings; /* of the network */
    int64_t ttl;                      /* seconds; -1: as the server says */
    int64_t now;
    struct cenv_scratch scratch;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int fail_absent(const struct repodata *r, const struct subdir *subdir,
                       const char *why, const char *hint)
{
    cenv_error_set(r->err, CENV_ECHANNEL, "channel '%s' %s", subdir->safe.data, why);
    return cenv_error_hint(r->err, "%s", hint);
}

/* ---- local directories ---- */

/* The size and times of a file of the directory; false when it cannot be had. */
static bool look_local(struct subdir *subdir, struct cenv_str directory, enum form form,
                       struct cenv_stat *st)
{
    cenv_buf_clear(&subdir->path);
    cenv_buf_add_str(&subdir->path, directory);
    cenv_buf_addf(&subdir->path, "/%s", forms[form].fn);
    return !subdir->path.failed && cenv_fs_is_dir(directory.data) &&
           cenv_fs_exists(CENV_CWD, subdir->path.data) &&
           cenv_raw_stat(CENV_CWD, subdir->path.data, st) == 0;
}

/* The form to read: shards that are older than a repodata.json beside them are left over. */
static int choose_local(struct repodata *r, struct subdir *subdir,
                        struct cenv_str directory)
{
    static const enum form plain[] = {JSON, ZST};
    struct cenv_stat st, shards;
    int best = -1;

    for (size_t i = 0; i < 2 && best < 0; i++)
        best = look_local(subdir, directory, plain[i], &st) ? (int)plain[i] : -1;
    if (r->shards && look_local(subdir, directory, SHARDS, &shards) &&
        (best < 0 || shards.mtime_ns >= st.mtime_ns))
        best = SHARDS;
    return best;
}

static int use_local(struct repodata *r, struct subdir *subdir,
                     struct cenv_str directory)
{
    struct cenv_stat st;
    int form = choose_local(r, subdir, directory), fd;

    if (subdir->path.failed)
        return cenv_error_oom(r->err);
    if (form < 0) {
        subdir->missing = true;
        return subdir->required
                   ? fail_absent(
                         r, subdir, "has no repodata.json there",
                         "check the path, or make its index: cenv index DIRECTORY")
                   : 0;
    }
    subdir->form = (enum form)form;
    look_local(subdir, directory, subdir->form, &st);
    fd = cenv_fs_open_named(subdir->path.data, &st, r->err);
    if (fd < 0)
        return fd;
    cenv_fd_close(fd);
    snprintf(subdir->identity, sizeof(subdir->identity), "%llx-%llx-%llx",
             (unsigned long long)st.size, (unsigned long long)st.mtime_ns,
             (unsigned long long)st.ino);
    subdir->bytes = st.size;
    subdir->hit = true;
    return 0;
}

/* ---- the store's copy ---- */

static int store_path(struct repodata *r, struct subdir *subdir)
{
    cenv_buf_clear(&subdir->path);
    if (!cenv_layout_add_path(r->store, CENV_STORE_REPODATA, subdir->file, NULL,
                              &subdir->path))
        return cenv_error_oom(r->err);
    return 0;
}

static void forget_state(struct subdir *subdir)
{
    cenv_json_free(subdir->state);
    subdir->state = NULL;
}

/* The form the state speaks of, if it may be used. */
static bool has_form(const struct repodata *r, struct subdir *subdir)
{
    const char *form = cenv_json_get_cstr(subdir->state, "form");
    int nr = r->shards ? NR_FORMS : SHARDS;

    for (int i = 0; form && i < nr; i++) {
        subdir->form = (enum form)i;
        if (strcmp(form, forms[i].ext) == 0)
            return true;
    }
    return false;
}

/* Loads the state and holds it against the data; what does not fit counts as fail_absent. */
static int load_state(struct repodata *r, struct subdir *subdir)
{
    int dir = r->store->dirs[CENV_STORE_REPODATA];
    struct cenv_stat st;
    char name[64];
    const char *file;
    int rc;

    snprintf(name, sizeof(name), "%s.state.json", subdir->key);
    rc = cenv_layout_load_json(dir, name, &subdir->state, r->err);
    if (rc < 0)
        return rc;
    file = cenv_json_get_cstr(subdir->state, "file");
    if (!subdir->state || cenv_json_get_true(subdir->state, "missing"))
        return 0;
    if (!file || !cenv_path_is_name(cenv_str(file)) ||
        cenv_raw_stat(dir, file, &st) < 0 ||
        cenv_json_get_int(subdir->state, "size", -1) != (int64_t)st.size ||
        cenv_json_get_int(subdir->state, "mtime_us", -1) != st.mtime_ns / 1000 ||
        !cenv_json_get_cstr(subdir->state, "identity") || !has_form(r, subdir)) {
        forget_state(subdir);
        return 0;
    }
    snprintf(subdir->file, sizeof(subdir->file), "%s", file);
    return 0;
}

static int use_store(struct repodata *r, struct subdir *subdir)
{
    subdir->done = true;
    subdir->missing = cenv_json_get_true(subdir->state, "missing");
    if (subdir->missing)
        return subdir->required ? fail_absent(r, subdir, "does not exist (HTTP 404)",
                                              "check the channel's name or URL")
                                : 0;
    snprintf(subdir->identity, sizeof(subdir->identity), "%s",
             cenv_json_get_cstr(subdir->state, "identity"));
    subdir->bytes = (uint64_t)cenv_json_get_int(subdir->state, "size", 0);
    return store_path(r, subdir);
}

static bool is_fresh(const struct repodata *r, const struct subdir *subdir)
{
    int64_t ttl = r->ttl >= 0 ? r->ttl : cenv_json_get_int(subdir->state, "max_age", 0);
    int64_t age = r->now - cenv_json_get_int(subdir->state, "checked", 0);

    return subdir->state && age >= 0 && age < ttl;
}

static int save_state(struct repodata *r, struct subdir *subdir)
{
    const struct cenv_http_reply *reply = &subdir->transfer.reply;
    struct cenv_buf text;
    char name[64];
    int rc = cenv_json_set_int(subdir->state, "checked", r->now);

    rc |= cenv_json_set_int(subdir->state, "max_age",
                            reply->max_age < 0 ? 0 : reply->max_age);
    cenv_buf_init(&text, STATE_MAX);
    rc |= cenv_json_print(subdir->state, CENV_JSON_INDENT, &text);
    snprintf(name, sizeof(name), "%s.state.json", subdir->key);
    rc = rc < 0 ? cenv_error_oom(r->err)
                : cenv_fs_write_atomic(r->store->dirs[CENV_STORE_REPODATA], name,
                                       cenv_buf_str(&text), 0644, r->err);
    cenv_buf_release(&text);
    return rc;
}

/* ---- asking the server ---- */

/* What to ask_servers for: the form we have, else the best, unless that was lately not there. */
static int set_target(struct repodata *r, struct subdir *subdir, size_t index,
                      enum form form)
{
    const char *have = cenv_json_get_cstr(subdir->state, "form");
    bool same = have && strcmp(have, forms[form].ext) == 0 &&
                !cenv_json_get_true(subdir->state, "missing");
    const char *etag = cenv_json_get_cstr(subdir->state, "etag");
    const char *modified = cenv_json_get_cstr(subdir->state, "modified");

    subdir->form = form;
    subdir->asked[form] = true;
    cenv_buf_clear(&subdir->target);
    cenv_buf_addf(&subdir->target, "%s/%s", subdir->url.data, forms[form].fn);
    snprintf(subdir->file, sizeof(subdir->file), "%zu%s", index, forms[form].ext);
    subdir->transfer = (struct cenv_http_transfer){
        .url = subdir->target.data,
        .etag = same ? etag : NULL,
        .modified = same && !(etag && *etag) ? modified : NULL,
        .dir = r->scratch.fd,
        .file = subdir->file,
        .max_size = form == SHARDS ? CENV_SHARD_INDEX_MAX : max_repodata,
        .text = form == JSON,
    };
    return subdir->target.failed ? cenv_error_oom(r->err) : 0;
}

static bool lacks_form(const struct repodata *r, const struct subdir *subdir,
                       enum form form)
{
    int64_t age;

    if (form == SHARDS && !r->shards)
        return true;
    if (!subdir->state || !forms[form].lacking)
        return false;
    age = r->now - cenv_json_get_int(subdir->state, forms[form].lacking, 0);
    return age >= 0 && age < FORM_SECONDS;
}

static int send_requests(struct repodata *r, struct cenv_network *network,
                         enum form form)
{
    struct cenv_http_transfer **list =
        cenv_calloc(r->nr, sizeof(struct cenv_http_transfer *));
    size_t nr = 0;
    int rc = list ? 0 : cenv_error_oom(r->err);

    for (size_t i = 0; i < r->nr && rc == 0; i++) {
        struct subdir *subdir = &r->subdirs[i];
        if (subdir->done || lacks_form(r, subdir, form))
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

struct check {
    int fd;
    uint64_t offset;
    char *block;
    struct cenv_digest *digest;
    char first, last; /* that are not blank, of the JSON */
};

static int check_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct check *check = ctx;
    int64_t got = cenv_raw_pread(check->fd, check->block, 256 << 10, check->offset);

    if (got < 0)
        return cenv_fs_fail(err, (int)got, check->fd, NULL, "cannot read");
    cenv_digest_update(check->digest, check->block, (size_t)got);
    check->offset += (uint64_t)got;
    *data = check->block;
    *len = (size_t)got;
    return 0;
}

/* An index of shards is small enough to be read whole. */
static int check_shards(struct check *check, struct subdir *subdir,
                        struct cenv_error *err)
{
    struct cenv_shard_index index;
    struct cenv_str name = cenv_str_slice(
        cenv_buf_str(&subdir->safe),
        cenv_str_rfind(cenv_buf_str(&subdir->safe), '/') + 1, subdir->safe.len);
    struct cenv_mapping map;
    struct cenv_str bytes;
    int rc = cenv_raw_map_fd(check->fd, &map);

    if (rc < 0)
        return cenv_fs_fail(err, rc, check->fd, NULL, "cannot read");
    bytes = cenv_str_n(map.data, map.len);
    cenv_digest_update(check->digest, bytes.data, bytes.len);
    rc = cenv_shard_index_read(&index, bytes, forms[SHARDS].fn, name, err);
    if (rc == 0)
        cenv_shard_index_release(&index);
    cenv_mapping_release(&map);
    return rc;
}

/* Reads all of it, through the decoder, looking for a '{' at its begin and a '}' at its end. */
static int read_through(struct check *check, struct cenv_input in,
                        struct cenv_task *task, struct cenv_error *err)
{
    const void *data;
    size_t len = 1;
    int rc = 0;

    while (rc == 0 && len > 0) {
        rc = in.read(in.ctx, &data, &len, err);
        struct cenv_str text = cenv_str_trim(cenv_str_n(data, rc == 0 ? len : 0));
        if (text.len && !check->first)
            check->first = text.data[0];
        if (text.len)
            check->last = text.data[text.len - 1];
        if (rc == 0)
            rc = cenv_task_poll(task, err);
    }
    if (rc == 0 && check->first != '{')
        rc = cenv_error_set(err, CENV_ECHANNEL, "it is not JSON");
    if (rc == 0 && check->last != '}')
        rc = cenv_error_set(err, CENV_EINTEGRITY, "its JSON is cut short");
    return rc;
}

static int check_stream(struct repodata *r, struct subdir *subdir, struct check *check)
{
    struct cenv_input in = {check_read, check};
    struct cenv_decoder *decoder = NULL;
    int rc = 0;

    if (subdir->form == ZST) {
        rc = cenv_decoder_new(&decoder, CENV_CODEC_ZSTD, in, max_repodata, r->err);
        in = cenv_input_decoder(decoder);
    }
    if (rc == 0)
        rc = subdir->form == SHARDS ? check_shards(check, subdir, r->err)
                                    : read_through(check, in, r->task, r->err);
    cenv_decoder_free(decoder);
    if (rc == CENV_EINTEGRITY || rc == CENV_ECHANNEL) {
        struct cenv_buf url;
        cenv_buf_init(&url, URL_MAX);
        cenv_url_redact(&url, cenv_buf_str(&subdir->target));
        cenv_error_prefix(r->err, "bad repodata from %s",
                          url.data ? url.data : "the channel");
        cenv_error_hint(r->err, "try again; if it stays so, tell the channel's owner");
        cenv_buf_release(&url);
    }
    return rc;
}

/* The download is whole and looks like repodata; its hash is its identity. */
static int check_download(struct repodata *r, struct subdir *subdir)
{
    struct check check = {
        .fd = cenv_fs_open_file(r->scratch.fd, subdir->file, NULL, r->err)};
    int rc = check.fd;

    if (rc < 0)
        return rc;
    check.block = cenv_malloc(256 << 10);
    check.digest = cenv_digest_new(CENV_SHA256);
    rc = check.block && check.digest ? check_stream(r, subdir, &check)
                                     : cenv_error_oom(r->err);
    if (rc == 0 && cenv_digest_hex(check.digest, subdir->identity) < 0)
        rc = cenv_error_set(r->err, CENV_EFAIL, "cannot compute a digest");
    cenv_digest_free(check.digest);
    cenv_free(check.block);
    cenv_fd_close(check.fd);
    return rc;
}

/* Since when the better forms are known to be fail_absent: as before, or since this time. */
static int carry_lacking(const struct repodata *r, const struct subdir *subdir,
                         struct cenv_json *state, bool missing)
{
    int rc = 0;

    for (int form = missing ? JSON : (int)subdir->form + 1; form < NR_FORMS; form++) {
        const char *key = forms[form].lacking;
        int64_t since = key ? cenv_json_get_int(subdir->state, key, 0) : 0;
        if (subdir->asked[form])
            since = r->now;
        if (key && since)
            rc |= cenv_json_set_int(state, key, since);
    }
    return rc;
}

static int new_state(const struct repodata *r, struct subdir *subdir,
                     const struct cenv_stat *st)
{
    const struct cenv_http_reply *reply = &subdir->transfer.reply;
    struct cenv_json *state = cenv_json_object();
    int rc = carry_lacking(r, subdir, state, !st);

    forget_state(subdir);
    subdir->state = state;
    rc |= cenv_json_set_cstr(state, "url", subdir->safe.data);
    rc |= cenv_json_set_bool(state, "missing", !st);
    if (!st)
        return rc;
    rc |= cenv_json_set_cstr(state, "file", subdir->file);
    rc |= cenv_json_set_cstr(state, "identity", subdir->identity);
    rc |= cenv_json_set_int(state, "size", (int64_t)st->size);
    rc |= cenv_json_set_int(state, "mtime_us", st->mtime_ns / 1000);
    rc |= cenv_json_set_cstr(state, "form", forms[subdir->form].ext);
    cenv_json_set_cstr(state, "etag", reply->etag); /* odd bytes: none */
    cenv_json_set_cstr(state, "modified", reply->modified);
    return rc;
}

/* A 200: from the scratch directory into the store. */
static int take_new(struct repodata *r, struct subdir *subdir)
{
    int dir = r->store->dirs[CENV_STORE_REPODATA];
    struct cenv_stat st;
    char name[64];
    int rc = check_download(r, subdir);

    snprintf(name, sizeof(name), "%s%s", subdir->key, forms[subdir->form].ext);
    if (rc == 0)
        rc = cenv_fs_stat(r->scratch.fd, subdir->file, &st, r->err);
    if (rc == 0)
        rc = cenv_fs_rename(r->scratch.fd, subdir->file, dir, name, r->err);
    if (rc < 0)
        return rc;
    memcpy(subdir->file, name, sizeof(name));
    if (new_state(r, subdir, &st) < 0)
        return cenv_error_oom(r->err);
    rc = save_state(r, subdir);
    return rc == 0 ? use_store(r, subdir) : rc;
}

/* A 304: what we have is what there is. */
static int take_old(struct repodata *r, struct subdir *subdir)
{
    int rc = save_state(r, subdir);

    snprintf(subdir->file, sizeof(subdir->file), "%s",
             cenv_json_get_cstr(subdir->state, "file"));
    subdir->hit = true;
    return rc == 0 ? use_store(r, subdir) : rc;
}

static int take_missing(struct repodata *r, struct subdir *subdir)
{
    int rc =
        new_state(r, subdir, NULL) < 0 ? cenv_error_oom(r->err) : save_state(r, subdir);

    return rc == 0 ? use_store(r, subdir) : rc;
}

static int take_reply(struct repodata *r, struct subdir *subdir)
{
    struct cenv_http_transfer *transfer = &subdir->transfer;
    long status = transfer->reply.status;

    if (transfer->rc == 0 && status == 200)
        return take_new(r, subdir);
    if (transfer->rc == 0 && status == 304 && subdir->state)
        return take_old(r, subdir);
    /* some servers (S3) answer 403 for what is not there */
    if (transfer->rc == 0 && subdir->form != JSON && status >= 400 && status < 500 &&
        status != 401 && status != 429)
        return 0; /* asked again for the next form */
    if (transfer->rc == 0 && status == 404)
        return take_missing(r, subdir);
    return cenv_network_set_error(transfer, r->err);
}

static int ask_form(struct repodata *r, struct cenv_network *network, enum form form)
{
    int rc = send_requests(r, network, form);

    for (size_t i = 0; i < r->nr && rc == 0; i++) {
        struct subdir *subdir = &r->subdirs[i];
        if (!subdir->done && subdir->asked[form])
            rc = take_reply(r, subdir);
    }
    return rc;
}

static int ask_servers(struct repodata *r)
{
    struct cenv_network network = {.http = NULL};
    int rc = cenv_scratch_open(r->store, &r->scratch, r->err);

    if (rc == 0)
        rc = cenv_network_open(&network, r->settings, r->err);
    for (int form = SHARDS; form >= JSON && rc == 0; form--)
        rc = ask_form(r, &network, (enum form)form);
    cenv_network_close(&network);
    cenv_scratch_close(r->store, &r->scratch);
    return rc;
}

/* ---- the whole ---- */

static int begin_subdir(struct repodata *r, struct subdir *subdir,
                        const struct cenv_json *request)
{
    struct cenv_str url = cenv_json_get_str(request, "url");
    struct cenv_buf path;
    int rc;

    while (cenv_str_ends(url, CENV_STR("/")))
        url.len--;
    if (url.len == 0)
        return cenv_error_set(r->err, CENV_EUSAGE, "a repodata request has no url");
    subdir->required = cenv_json_get_true(request, "required");
    cenv_buf_add_str(&subdir->url, url);
    cenv_channel_strip(&subdir->safe, url);
    if (subdir->url.failed || subdir->safe.failed || !subdir->safe.data)
        return cenv_error_oom(r->err);
    cenv_buf_init(&path, URL_MAX);
    rc = cenv_network_local_path(url, &path, r->err);
    subdir->local = subdir->done = rc == 1;
    if (rc == 1)
        rc = use_local(r, subdir, cenv_buf_str(&path));
    else if (rc == 0)
        rc = cenv_layout_key(cenv_buf_str(&subdir->safe), subdir->key, r->err);
    cenv_buf_release(&path);
    if (rc == 0 && !subdir->local)
        rc = load_state(r, subdir);
    return rc;
}

/* From the store without asking, where that is right. */
static int use_what_is_there(struct repodata *r, struct subdir *subdir)
{
    if (subdir->done)
        return 0;
    if (subdir->state && (r->offline || is_fresh(r, subdir))) {
        subdir->hit = true;
        return use_store(r, subdir);
    }
    if (!r->offline)
        return 0;
    return fail_absent(r, subdir,
                       "has never been fetched, and --offline forbids to fetch it now",
                       "send_requests once without --offline");
}

static void count_subdirs(struct repodata *r, struct cenv_span *span)
{
    for (size_t i = 0; i < r->nr; i++) {
        span->items++;
        span->bytes += r->subdirs[i].hit ? 0 : r->subdirs[i].bytes;
        span->hits += r->subdirs[i].hit;
        span->misses += !r->subdirs[i].hit;
    }
    if (span->misses)
        snprintf(span->miss_reason, sizeof(span->miss_reason),
                 "new or changed on the server");
}

static int fetch_all(struct repodata *r, const struct cenv_json *list)
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
    return rc == 0 && asked ? ask_servers(r) : rc;
}

/* The URL of repodata.json without secrets: packages lie beside it. */
static int public_url(struct subdir *subdir)
{
    struct cenv_buf *url = &subdir->target;

    cenv_buf_clear(url);
    if (cenv_str_starts(cenv_buf_str(&subdir->safe), CENV_STR("/"))) {
        struct cenv_str path = cenv_buf_str(&subdir->safe);
        size_t len = cenv_url_quoted_len(path);
        cenv_buf_puts(url, "file://");
        char *room = cenv_buf_reserve(url, len);
        if (room)
            cenv_url_quote(room, path);
        url->len += room ? len : 0;
    } else {
        cenv_buf_add_str(url, cenv_buf_str(&subdir->safe));
    }
    return cenv_buf_puts(url, "/repodata.json");
}

static int write_report(const struct repodata *r, struct cenv_buf *out)
{
    cenv_buf_putc(out, '[');
    for (size_t i = 0; i < r->nr; i++) {
        const struct subdir *subdir = &r->subdirs[i];
        cenv_buf_puts(out, i ? "," : "");
        if (public_url(&r->subdirs[i]) < 0)
            return cenv_error_oom(r->err);
        if (subdir->missing) {
            cenv_buf_puts(out, "null");
            continue;
        }
        cenv_buf_puts(out, "{\"path\":");
        cenv_json_quote(out, cenv_buf_str(&subdir->path));
        cenv_buf_puts(out, ",\"url\":");
        cenv_json_quote(out, cenv_buf_str(&subdir->target));
        cenv_buf_addf(out,
                      ",\"identity\":\"%s\",\"hit\":%s,\"bytes\":%llu,\"shards\":%s}",
                      subdir->identity, subdir->hit ? "true" : "false",
                      (unsigned long long)subdir->bytes,
                      subdir->form == SHARDS ? "true" : "false");
    }
    cenv_buf_putc(out, ']');
    return out->failed ? cenv_error_oom(r->err) : 0;
}

static void release_subdirs(struct repodata *r)
{
    for (size_t i = 0; r->subdirs && i < r->nr; i++) {
        struct subdir *subdir = &r->subdirs[i];
        cenv_buf_release(&subdir->url);
        cenv_buf_release(&subdir->safe);
        cenv_buf_release(&subdir->target);
        cenv_buf_release(&subdir->path);
        cenv_error_release(&subdir->transfer.err);
        forget_state(subdir);
    }
    cenv_free(r->subdirs);
}

static int read_request(struct repodata *r, const struct cenv_json *request)
{
    const struct cenv_json *list = cenv_json_get(request, "repodata");

    r->offline = cenv_json_get_true(request, "offline");
    r->shards = cenv_json_get_true(request, "shards");
    r->settings = cenv_json_get(request, "network");
    r->ttl = cenv_json_get_int(request, "ttl", -1);
    r->now = (int64_t)time(NULL);
    r->nr = cenv_json_len(list);
    r->subdirs = cenv_calloc(r->nr + 1, sizeof(*r->subdirs));
    if (!r->subdirs)
        return cenv_error_oom(r->err);
    for (size_t i = 0; i < r->nr; i++) {
        cenv_buf_init(&r->subdirs[i].url, URL_MAX);
        cenv_buf_init(&r->subdirs[i].safe, URL_MAX);
        cenv_buf_init(&r->subdirs[i].target, URL_MAX);
        cenv_buf_init(&r->subdirs[i].path, URL_MAX);
    }
    return fetch_all(r, list);
}

int cenv_fetch_repodata(struct cenv_store *store, const char *requests_json,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_DOWNLOAD_INDICES, "");
    struct repodata r = {.store = store, .task = task, .err = err};
    struct cenv_json *request = NULL;
    int rc = cenv_json_parse(&request, cenv_str(requests_json), "the request", err);

    cenv_task_progress(task, CENV_STAGE_DOWNLOAD_INDICES, 0);
    if (rc == 0)
        rc = read_request(&r, request);
    count_subdirs(&r, &span);
    cenv_span_end(task, &span);
    if (rc == 0)
        rc = write_report(&r, out);
    release_subdirs(&r);
    cenv_json_free(request);
    return rc;
}
