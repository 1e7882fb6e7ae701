/* SPDX-License-Identifier: BSD-3-Clause */
/* What a record says is trusted only as far as the archive bears it out: see fetch_job.h. */
#include "fetch/fetch_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "codec/url.h"
#include "model/channel.h"
#include "net/network.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/path.h"
#include "store/package_entry.h"

enum { URL_MAX = 64 << 10, DOCUMENT_MAX = 16 << 20 };

/* ---- from the record ---- */

/* Hex of the right length in lower case, or "": a null or odd value is no hash. */
static void read_hash(const struct cenv_json *record, const char *key, size_t len,
                      char *out)
{
    unsigned char raw[CENV_SHA256_LEN];

    out[0] = '\0';
    if (cenv_unhex(cenv_json_get_str(record, key), raw, len))
        cenv_hex(raw, len, out);
}

/* Lends the URL the secrets of the channel it lies in, unless it has some of its own. */
static int add_secrets(struct cenv_fetch_job *job, const struct cenv_json *secrets,
                       struct cenv_error *err)
{
    struct cenv_str url = cenv_secret_url_text(job->url), below = {NULL, 0};
    struct cenv_secret_url *channel = NULL, *whole = NULL;
    const struct cenv_json *pair;
    int rc = 0;

    if (cenv_channel_has_secrets(cenv_json_get_str(job->record, "url")))
        return 0;
    cenv_json_each(pair, secrets)
    {
        rc = cenv_secret_url_new(&channel, cenv_json_str(pair), err);
        if (rc < 0)
            return rc;
        struct cenv_str base = cenv_secret_url_text(channel);
        if (cenv_str_eq(url, base)) { /* the secrets of this package alone */
            cenv_secret_url_free(job->url);
            job->url = channel;
            return 0;
        }
        if (cenv_str_starts(url, base) && url.data[base.len] == '/') {
            below = cenv_str_slice(url, base.len + 1, url.len);
            break;
        }
        cenv_secret_url_free(channel);
        channel = NULL;
    }
    if (channel)
        rc = cenv_secret_url_child(&whole, channel, below, err);
    cenv_secret_url_free(channel);
    if (whole) {
        cenv_secret_url_free(job->url);
        job->url = whole;
    }
    return rc;
}

/* What is written and shown of the record has no secrets. */
static int clean_record(struct cenv_fetch_job *job, struct cenv_error *err)
{
    struct cenv_str channel = cenv_json_get_str(job->record, "channel");
    struct cenv_buf clean;

    cenv_buf_init(&clean, 4 * URL_MAX);
    cenv_url_clean(&clean, channel);
    bool done = !clean.failed;
    if (channel.len)
        done &= cenv_json_set_str(job->record, "channel", cenv_buf_str(&clean));
    cenv_buf_release(&clean);
    done &= cenv_json_set_str(job->record, "url", cenv_secret_url_text(job->url));
    return done ? 0 : cenv_error_oom(err);
}

static int find_local(struct cenv_fetch_job *job, struct cenv_error *err)
{
    struct cenv_buf path;

    cenv_buf_init(&path, URL_MAX);
    int local = cenv_network_local_path(job->url, &path, err);
    if (local == 1)
        job->local = cenv_buf_detach(&path);
    cenv_buf_release(&path);
    if (local == 1 && !job->local)
        return cenv_error_oom(err);
    return local < 0 ? local : 0;
}

static int read_url(struct cenv_fetch_job *job, const struct cenv_json *secrets,
                    struct cenv_error *err)
{
    struct cenv_str url = cenv_json_get_str(job->record, "url");
    const char *name = cenv_json_get_cstr(job->record, "name");

    if (!url.len || url.len > URL_MAX)
        return cenv_error_set(err, CENV_EUSAGE, "the record of '%.200s' has no URL",
                              name ? name : "a package");
    /* '#md5' of explicit lists */
    struct cenv_str end = cenv_str_slice(url, cenv_str_rfind(url, '#'), url.len);
    if (end.len && end.len < 80)
        url.len -= end.len;
    int rc = cenv_secret_url_new(&job->url, url, err);
    if (rc == 0)
        rc = find_local(job, err);
    if (rc == 0 && !job->local)
        rc = add_secrets(job, secrets, err);
    if (rc == 0)
        rc = clean_record(job, err);
    if (rc < 0)
        return rc;
    const char *text = cenv_secret_url_text(job->url).data;
    job->fn = strrchr(text, '/') ? strrchr(text, '/') + 1 : text;
    return 0;
}

static int set_key(struct cenv_fetch_job *job, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];

    if (job->sha256[0])
        snprintf(hex, sizeof(hex), "%s", job->sha256);
    else if (!cenv_digest_sha256_hex(cenv_secret_url_text(job->url), hex))
        return cenv_error_set(err, CENV_EFAIL, "cannot compute a digest");
    snprintf(job->key, sizeof(job->key), "%s-%s", job->sha256[0] ? "pkg" : "url", hex);
    return 0;
}

/* Repodata tells as much; what a lock or an explicit list says is less. */
static bool is_whole(const struct cenv_json *record)
{
    static const char *const keys[] = {"name",         "version", "build",
                                       "build_number", "depends", "subdir",
                                       "sha256",       "size",    "fn"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        enum cenv_json_type type = cenv_json_type(cenv_json_get(record, keys[i]));
        if (type == CENV_JSON_ABSENT || type == CENV_JSON_NULL)
            return false;
    }
    return true;
}

int cenv_fetch_job_init(struct cenv_fetch_job *job, size_t index,
                        const struct cenv_json *record, const struct cenv_json *secrets,
                        struct cenv_error *err)
{
    int64_t size = cenv_json_get_int(record, "size", 0);

    job->record = cenv_json_dup(record);
    if (!job->record)
        return cenv_error_oom(err);
    job->whole = is_whole(record);
    read_hash(record, "sha256", CENV_SHA256_LEN, job->sha256);
    read_hash(record, "md5", CENV_MD5_LEN, job->md5);
    job->size = job->stated_size = size > 0 ? (uint64_t)size : 0;
    snprintf(job->dir, sizeof(job->dir), "%zu", index);
    snprintf(job->archive, sizeof(job->archive), "%zu.archive", index);
    int rc = read_url(job, secrets, err);
    if (rc == 0)
        rc = set_key(job, err);
    return rc;
}

void cenv_fetch_job_release(struct cenv_fetch_job *job)
{
    cenv_json_free(job->record);
    cenv_secret_url_free(job->url);
    cenv_free(job->local);
    cenv_error_release(&job->transfer.err);
    cenv_error_release(&job->err);
}

bool cenv_fetch_job_is_repeated(const struct cenv_fetch_job *jobs, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(jobs[i].key, jobs[index].key) == 0)
            return true;
    }
    return false;
}

struct cenv_http_transfer *cenv_fetch_job_transfer(struct cenv_fetch_job *job,
                                                   int scratch)
{
    job->transfer = (struct cenv_http_transfer){
        .url = job->url,
        .dir = scratch,
        .file = job->archive,
        .max_size = job->size,
        .stage = CENV_STAGE_DOWNLOAD,
        .what = job->fn,
    };
    return &job->transfer;
}

static const char *origin_of(const struct cenv_fetch_job *job)
{
    if (job->cache)
        return "package cache";
    if (job->transfer.took_ns)
        return "channel";
    return job->extract_ns ? "file" : "store";
}

void cenv_fetch_job_tell(const struct cenv_fetch_job *job, struct cenv_task *task)
{
    const char *origin = origin_of(job);
    bool stored = strcmp(origin, "store") == 0;
    struct cenv_fact fact = {
        .kind = CENV_FACT_PACKAGE,
        .texts = {cenv_str(job->fn), cenv_str(origin),
                  cenv_str(job->cache ? job->cache : ""),
                  cenv_str(stored ? "" : job->why)},
        .numbers = {job->verify_ns, job->transfer.took_ns, job->transfer.reply.received,
                    job->extract_ns, job->extract_bytes, job->extract_files},
    };

    cenv_task_fact(task, &fact);
}

struct cenv_pkgs_dirs_want cenv_fetch_job_want(const struct cenv_fetch_job *job)
{
    return (struct cenv_pkgs_dirs_want){
        .fn = cenv_str(job->fn),
        .url = cenv_secret_url_text(job->url),
        .name = cenv_json_get_str(job->record, "name"),
        .version = cenv_json_get_str(job->record, "version"),
        .build = cenv_json_get_str(job->record, "build"),
        .sha256 = cenv_str(job->sha256),
        .md5 = cenv_str(job->md5),
        .size = job->size,
    };
}

/* ---- what the package says of itself ---- */

/* Keys of `from` that `record` has not, or has as null. False: out of memory. */
static bool add_missing(struct cenv_json *record, const struct cenv_json *from)
{
    const struct cenv_json *item;
    bool done = true;

    cenv_json_each(item, from)
    {
        enum cenv_json_type has =
            cenv_json_type(cenv_json_get(record, cenv_json_key(item)));
        if (has == CENV_JSON_ABSENT || has == CENV_JSON_NULL)
            done &= cenv_json_set(record, cenv_json_key(item), cenv_json_dup(item));
    }
    return done;
}

static int check_same(const struct cenv_json *record, const char *fn,
                      const struct cenv_json *index, struct cenv_error *err)
{
    static const char *const keys[] = {"name", "version", "build"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *want = cenv_json_get_cstr(record, keys[i]);
        const char *got = cenv_json_get_cstr(index, keys[i]);
        if (!want || (got && strcmp(want, got) == 0))
            continue;
        return cenv_error_set(
            err, CENV_EINTEGRITY,
            "package %.255s: its record says %s '%.200s', the archive '%.200s'", fn,
            keys[i], want, got ? got : "");
    }
    return 0;
}

static int read_index(int content, struct cenv_json **out, struct cenv_error *err)
{
    struct cenv_buf text;
    int info = cenv_fs_open_dir(content, "info", err);

    if (info < 0)
        return info;
    cenv_buf_init(&text, DOCUMENT_MAX);
    int rc = cenv_fs_read_file(info, "index.json", &text, err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), "info/index.json", err);
    cenv_buf_release(&text);
    cenv_fd_close(info);
    return rc;
}

/* What the download taught; `digests` NULL: nothing new. False: out of memory. */
static bool set_digests(struct cenv_fetch_job *job,
                        const struct cenv_package_digests *digests)
{
    bool done = cenv_json_set_cstr(job->record, "fn", job->fn);

    if (digests) {
        job->learnt = !job->sha256[0];
        memcpy(job->sha256, digests->sha256, sizeof(job->sha256));
        job->size = digests->size;
    }
    done &= cenv_json_set_cstr(job->record, "sha256", job->sha256);
    if (job->size)
        done &= cenv_json_set_int(job->record, "size", (int64_t)job->size);
    if (digests && digests->md5[0])
        done &= cenv_json_set_cstr(job->record, "md5", digests->md5);
    return done;
}

int cenv_fetch_job_check_content(struct cenv_fetch_job *job,
                                 const struct cenv_package_digests *digests,
                                 int content, struct cenv_error *err)
{
    struct cenv_json *index = NULL;
    int rc = read_index(content, &index, err);

    if (rc == 0) {
        rc = check_same(job->record, job->fn, index, err);
        if (rc < 0)
            cenv_error_hint(err, "the channel's index is wrong or out of date");
    }
    if (rc == 0 && !set_digests(job, digests))
        rc = cenv_error_oom(err);
    cenv_json_free(index);
    return rc;
}

/* ---- record.json ---- */

int cenv_fetch_job_write_record(const struct cenv_fetch_job *job, int entry,
                                struct cenv_error *err)
{
    struct cenv_buf text;
    int rc = 0;

    cenv_buf_init(&text, DOCUMENT_MAX);
    if (!cenv_json_print(job->record, CENV_JSON_INDENT | CENV_JSON_SORT, &text))
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_fs_write_new(entry, CENV_PKG_RECORD, cenv_buf_str(&text), 0644, err);
    cenv_buf_release(&text);
    return rc;
}

static int read_stored_size(struct cenv_fetch_job *job, const struct cenv_store *store,
                            struct cenv_error *err)
{
    struct cenv_json *stored = NULL;
    struct cenv_buf text;
    int64_t size = 0;

    cenv_buf_init(&text, DOCUMENT_MAX);
    int rc = cenv_package_entry_record(store, cenv_str(job->sha256), &text, err);
    if (rc == 0)
        rc = cenv_json_parse(&stored, cenv_buf_str(&text), "the store's record", err);
    if (rc == 0)
        size = cenv_json_get_int(stored, "size", 0);
    if (size > 0)
        job->size = (uint64_t)size;
    cenv_json_free(stored);
    cenv_buf_release(&text);
    return rc < 0 ? rc : 0;
}

static int read_stored_index(const struct cenv_store *store, struct cenv_str sha256,
                             struct cenv_json **out, struct cenv_error *err)
{
    int content = cenv_package_entry_open(store, sha256, err);

    if (content < 0)
        return content;
    int rc = read_index(content, out, err);
    cenv_fd_close(content);
    return rc;
}

/* From the package alone, never from how it came here: the same request gives the same record,
 * whether the package had to be fetched or was there (template ids depend on it). */
int cenv_fetch_job_complete_record(struct cenv_fetch_job *job,
                                   const struct cenv_store *store,
                                   struct cenv_error *err)
{
    struct cenv_json *index = NULL;

    if (job->whole)
        return 0;
    int rc = read_stored_index(store, cenv_str(job->sha256), &index, err);
    if (rc == 0)
        rc = read_stored_size(job, store, err);
    if (rc == 0 && !(set_digests(job, NULL) && add_missing(job->record, index)))
        rc = cenv_error_oom(err);
    cenv_json_free(index);
    return rc;
}

int cenv_fetch_job_check_stored(const struct cenv_store *store,
                                const struct cenv_json *record, struct cenv_error *err)
{
    const char *fn = cenv_json_get_cstr(record, "fn");
    struct cenv_json *index = NULL;
    int rc = read_stored_index(store, cenv_json_get_str(record, "sha256"), &index, err);

    if (rc == 0)
        rc = check_same(record, fn ? fn : "", index, err);
    cenv_json_free(index);
    return rc;
}

/* ---- offline ---- */

enum { SHOWN = 5 }; /* names of packages in one message */

int cenv_fetch_job_fail_offline(const struct cenv_fetch_job *jobs, size_t nr,
                                struct cenv_error *err)
{
    struct cenv_buf names;
    size_t missing = 0;

    cenv_buf_init(&names, CENV_MESSAGE_MAX);
    for (size_t i = 0; i < nr; i++) {
        if (jobs[i].state != CENV_FETCH_MISSING || jobs[i].local)
            continue;
        if (missing++ < SHOWN)
            cenv_buf_addf(&names, "%s%.200s", missing > 1 ? ", " : "", jobs[i].fn);
    }
    if (missing > SHOWN)
        cenv_buf_addf(&names, " and %zu more", missing - SHOWN);
    cenv_error_set(err, CENV_ECHANNEL,
                   "not in the store, and --offline forbids to fetch: %s",
                   names.data ? names.data : "packages");
    cenv_buf_release(&names);
    return cenv_error_hint(err, "run once without --offline");
}
