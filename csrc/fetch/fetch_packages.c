/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packages into the store. What it has is used; then each missing one is locked (what another
 * process fetches now is waited for afterwards), taken from the read-only package caches, or
 * downloaded, largest first, and extracted by the other threads while the rest still arrives. All
 * lie in one scratch directory until they are on disk (one sync), then each is published by a
 * rename.
 */
#include "fetch/fetch_packages.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/queue.h"
#include "fetch/fetch_job.h"
#include "fetch/pkgs_dirs.h"
#include "net/http.h"
#include "net/network.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/host.h"
#include "os/path.h"
#include "package/extract.h"
#include "store/known_hash.h"
#include "store/package_entry.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/store_lock.h"

enum { PARALLEL = 8 };

struct fetch {
    struct cenv_store *store;
    struct cenv_fetch_job *jobs;
    size_t nr;
    const struct cenv_fetch_options *options;
    struct cenv_task *task;
    struct cenv_error *err;

    struct cenv_fetch_job **wanted; /* those at work now */
    size_t nr_wanted;
    struct cenv_scratch scratch;
    struct cenv_queue ready; /* indices of `wanted` whose archive is there */
    atomic_bool failed;      /* some job: start nothing more */
};

/* ---- what the store has ---- */

static int find_stored(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct fetch *f = ctx;
    struct cenv_fetch_job *job = &f->jobs[index];
    struct cenv_buf why;
    uint64_t start = cenv_clock_ns();
    int rc = 1;

    (void)thread;
    if (!job->sha256[0])
        cenv_known_hash_find(f->store, cenv_secret_url_text(job->url),
                             cenv_str(job->md5), job->size, job->sha256);
    cenv_buf_init(&why, 64 << 10);
    if (job->sha256[0])
        rc = cenv_package_entry_find(f->store, cenv_str(job->sha256), NULL, &why,
                                     f->task, err);
    job->state = rc == 0 ? CENV_FETCH_THERE : CENV_FETCH_MISSING;
    job->replace =
        rc == 1 && why.len > 0 && !cenv_str_is(cenv_buf_str(&why), "not there");
    if (rc == 1)
        snprintf(job->why, sizeof(job->why), "%.*s", CENV_STR_ARG(cenv_buf_str(&why)));
    cenv_buf_release(&why);
    job->verify_ns += cenv_clock_ns() - start;
    return rc < 0 ? rc : 0;
}

static int find_all_stored(struct fetch *f)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_VERIFY, "");
    int rc = cenv_pool_run(cenv_host_cpus(), f->nr, find_stored, f, f->task, f->err);

    for (size_t i = 0; i < f->nr; i++) {
        const struct cenv_fetch_job *job = &f->jobs[i];
        span.hits += job->state == CENV_FETCH_THERE;
        span.misses += job->state != CENV_FETCH_THERE;
        if (job->state != CENV_FETCH_THERE && !span.miss_reason[0])
            snprintf(span.miss_reason, sizeof(span.miss_reason), "%s",
                     job->why[0] ? job->why : "not there");
    }
    span.items = f->nr;
    cenv_span_end(f->task, &span);
    return rc;
}

/* ---- one package into the scratch directory ---- */

static int fail_job(struct fetch *f, struct cenv_fetch_job *job)
{
    job->state = CENV_FETCH_FAILED;
    atomic_store(&f->failed, true);
    return 0; /* the pool goes on; the first job's failure in order is reported */
}

/* The archive: downloaded into the scratch directory, or where it lies on this machine. */
static int open_archive(struct fetch *f, const struct cenv_fetch_job *job,
                        struct cenv_error *err)
{
    return job->local ? cenv_fs_open_named(job->local, NULL, err)
                      : cenv_fs_open_file(f->scratch.fd, job->archive, NULL, err);
}

/* Whether other processors would idle while one extracts this package. */
static bool is_most_of_all(const struct fetch *f, const struct cenv_fetch_job *job)
{
    uint64_t total = 0;

    for (size_t i = 0; i < f->nr_wanted; i++)
        total += f->wanted[i]->size;
    return cenv_host_cpus() > 1 && job->size >= total - total / 2;
}

static int extract_archive(struct fetch *f, struct cenv_fetch_job *job, int fd,
                           int entry, int content)
{
    struct cenv_package_source source = {.name = job->fn, .fd = fd};
    struct cenv_package_want want = {job->sha256[0] ? job->sha256 : NULL,
                                     job->md5[0] ? job->md5 : NULL, job->size};
    struct cenv_package_digests digests;
    struct cenv_package_manifest manifest;
    int rc;

    uint64_t start = cenv_clock_ns();

    source.md5 = !want.sha256 && want.md5;
    source.ahead = is_most_of_all(f, job);
    cenv_package_manifest_init(&manifest);
    rc = cenv_extract_into(&source, &want, content, &manifest, &digests, f->task,
                           &job->err);
    if (rc == 0)
        rc =
            cenv_package_manifest_write(&manifest, entry, CENV_PKG_MANIFEST, &job->err);
    job->extract_ns = cenv_clock_ns() - start;
    job->extract_files = manifest.nr;
    job->extract_bytes = cenv_package_manifest_bytes(&manifest);
    cenv_package_manifest_release(&manifest);
    if (rc == 0)
        rc = cenv_fetch_job_check_content(job, &digests, content, &job->err);
    if (rc == 0)
        rc = cenv_fetch_job_write_record(job, entry, &job->err);
    return rc;
}

static int extract_job(struct fetch *f, struct cenv_fetch_job *job)
{
    int entry = -1, content = -1, fd = open_archive(f, job, &job->err);
    int rc = fd < 0 ? fd : 0;

    if (rc == 0)
        rc =
            cenv_package_entry_make(&f->scratch, job->dir, &entry, &content, &job->err);
    if (rc == 0)
        rc = extract_archive(f, job, fd, entry, content);
    cenv_fd_close(content);
    cenv_fd_close(entry);
    cenv_fd_close(fd);
    if (!job->local)
        cenv_raw_unlink(f->scratch.fd, job->archive);
    if (rc < 0)
        return rc == CENV_ECANCELLED ? rc : fail_job(f, job);
    job->state = CENV_FETCH_MADE;
    return 0;
}

/* ---- package caches of other tools ---- */

/* Tries each cache: the extracted package, then the archive. 1 when the job needs no download. */
static int find_archive_in_caches(struct fetch *f, struct cenv_fetch_job *job)
{
    const struct cenv_json *dir, *dirs = f->options->pkgs_dirs;
    struct cenv_pkgs_dirs_want want = cenv_fetch_job_want(job);
    struct cenv_buf path;
    int rc = 0;

    if (!job->sha256[0] && !job->md5[0])
        return 0;
    cenv_buf_init(&path, 1 << 20);
    cenv_json_each(dir, dirs)
    {
        const char *name = cenv_json_cstr(dir);
        if (rc != 0 || !name)
            continue;
        rc = cenv_pkgs_dirs_find_archive(name, &want, &path, f->task, &job->err);
        job->cache = rc == 1 ? name : NULL;
    }
    if (rc == 1)
        job->local = cenv_buf_detach(&path);
    cenv_buf_release(&path);
    return rc;
}

/* The package is in the entry, as the cache had it. */
static int record_copy(struct cenv_fetch_job *job, int entry)
{
    int content = cenv_fs_open_dir(entry, CENV_PKG_CONTENT, &job->err);

    if (content < 0)
        return content;
    int rc = cenv_fetch_job_check_content(job, NULL, content, &job->err);
    if (rc == 0)
        rc = cenv_fetch_job_write_record(job, entry, &job->err);
    cenv_fd_close(content);
    return rc;
}

/* 1 when the package came from this cache, 0 when it has none that fits. */
static int copy_from_cache(struct fetch *f, struct cenv_fetch_job *job,
                           const char *pkgs_dir)
{
    struct cenv_pkgs_dirs_want want = cenv_fetch_job_want(job);
    bool copied = false;
    int entry = cenv_fs_mkdir_open(f->scratch.fd, job->dir, 0755, &job->err);
    if (entry < 0)
        return entry;
    int rc = cenv_pkgs_dirs_copy_package(pkgs_dir, &want, entry, f->task, &job->err);
    if (rc == 1) {
        rc = record_copy(job, entry);
        copied = rc == 0;
    }
    cenv_fd_close(entry);
    if (copied)
        return 1;
    cenv_fs_discard_tree(f->scratch.fd, job->dir);
    return rc;
}

static int copy_from_caches(struct fetch *f, struct cenv_fetch_job *job)
{
    const struct cenv_json *dir, *dirs = f->options->pkgs_dirs;
    int rc = 0;

    if (!job->sha256[0]) /* an entry is named by it, and only the archive tells it */
        return 0;
    cenv_json_each(dir, dirs)
    {
        const char *name = cenv_json_cstr(dir);
        if (rc != 0 || !name)
            continue;
        rc = copy_from_cache(f, job, name);
        job->cache = rc == 1 ? name : NULL;
    }
    return rc;
}

static int use_caches(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct fetch *f = ctx;
    struct cenv_fetch_job *job = f->wanted[index];
    int rc = copy_from_caches(f, job);

    (void)thread;
    (void)err;
    if (rc == 1)
        job->state = CENV_FETCH_MADE;
    if (rc == 0)
        rc = find_archive_in_caches(f, job);
    return rc < 0 ? fail_job(f, job) : 0;
}

/* Whether it must come from elsewhere: what lay on this machine may be gone. */
static bool is_wanting(const struct cenv_fetch_job *job)
{
    struct cenv_stat st;

    return job->state == CENV_FETCH_MISSING &&
           (!job->local || cenv_raw_stat(CENV_CWD, job->local, &st) < 0);
}

/* What the caller can bring: see fetch_packages.h. */
static int bring_archives(struct fetch *f)
{
    struct cenv_fetch_job **list = cenv_calloc(f->nr_wanted + 1, sizeof(*list));
    size_t nr = 0;
    int rc = list ? 0 : cenv_error_oom(f->err);

    for (size_t i = 0; rc == 0 && i < f->nr_wanted; i++)
        if (is_wanting(f->wanted[i]))
            list[nr++] = f->wanted[i];
    if (rc == 0 && nr)
        rc = f->options->bring(f->options->bring_ctx, list, nr, f->err);
    cenv_free(list);
    return rc;
}

/* ---- downloading and extracting side by side ---- */

static int on_download(void *ctx, struct cenv_http_transfer *transfer,
                       struct cenv_error *err)
{
    struct fetch *f = ctx;
    struct cenv_fetch_job *job = NULL;
    size_t index = 0;

    for (; index < f->nr_wanted; index++) {
        job = f->wanted[index];
        if (&job->transfer == transfer)
            break;
    }
    if (transfer->rc < 0 || transfer->reply.status != 200) {
        cenv_network_set_error(transfer, &job->err);
        cenv_error_prefix(&job->err, "package %s", job->fn);
        fail_job(f, job);
    } else {
        cenv_queue_push(&f->ready, index);
    }
    return atomic_load(&f->failed) ? cenv_error_set(err, CENV_EFAIL, "stopped") : 0;
}

static int download_all(struct fetch *f, struct cenv_error *err)
{
    struct cenv_http_transfer **list = cenv_calloc(f->nr_wanted, sizeof(*list));
    struct cenv_span span = cenv_span_begin(CENV_STAGE_DOWNLOAD, "");
    struct cenv_network network = {.http = NULL};
    int rc = list ? 0 : cenv_error_oom(err);
    size_t nr = 0;

    for (size_t i = 0; rc == 0 && i < f->nr_wanted; i++) {
        struct cenv_fetch_job *job = f->wanted[i];
        if (job->state == CENV_FETCH_MISSING && job->local)
            cenv_queue_push(&f->ready, i);
        else if (job->state == CENV_FETCH_MISSING)
            list[nr++] = cenv_fetch_job_transfer(job, f->scratch.fd);
    }
    if (rc == 0 && nr)
        rc = cenv_network_open(&network, f->options->network, err);
    if (rc == 0)
        rc = cenv_http_run(network.http, list, nr, PARALLEL, on_download, f, f->task,
                           err);
    cenv_network_close(&network);
    span.items = nr;
    if (nr)
        cenv_span_end(f->task, &span);
    cenv_free(list);
    if (rc < 0 && rc != CENV_ECANCELLED && atomic_load(&f->failed)) {
        cenv_error_release(err); /* a job tells why */
        rc = 0;
    }
    return rc;
}

/* Job 0 downloads; each of the others extracts the next package that is ready. */
static int download_or_extract(void *ctx, size_t index, unsigned thread,
                               struct cenv_error *err)
{
    struct fetch *f = ctx;
    size_t ready;
    int rc;

    (void)thread;
    if (index == 0) {
        rc = download_all(f, err);
        cenv_queue_close(&f->ready);
        return rc;
    }
    rc = cenv_queue_pop(&f->ready, &ready, f->task, err);
    if (rc <= 0 || atomic_load(&f->failed))
        return rc < 0 ? rc : 0;
    rc = extract_job(f, f->wanted[ready]);
    return rc < 0 ? cenv_error_move(err, &f->wanted[ready]->err) : 0;
}

static int by_size(const void *a, const void *b)
{
    const struct cenv_fetch_job *left = *(struct cenv_fetch_job *const *)a;
    const struct cenv_fetch_job *right = *(struct cenv_fetch_job *const *)b;

    if (left->size != right->size)
        return left->size < right->size ? 1 : -1;
    return (left > right) - (left < right);
}

static void announce_bytes(struct fetch *f)
{
    uint64_t total = 0;
    bool remote = false;

    for (size_t i = 0; i < f->nr_wanted; i++) {
        const struct cenv_fetch_job *job = f->wanted[i];
        remote |= !job->local;
        total += job->local ? job->size : 2 * job->size; /* received, then read */
    }
    cenv_task_progress(f->task, remote ? CENV_STAGE_DOWNLOAD : CENV_STAGE_EXTRACT,
                       total);
}

/* ---- a set of locked packages ---- */

static int make_entries(struct fetch *f)
{
    unsigned threads = cenv_host_cpus();
    int rc = 0;

    qsort(f->wanted, f->nr_wanted, sizeof(*f->wanted), by_size);
    if (cenv_json_len(f->options->pkgs_dirs) > 0)
        rc = cenv_pool_run(threads, f->nr_wanted, use_caches, f, f->task, f->err);
    if (rc == 0 && f->options->bring)
        rc = bring_archives(f);
    for (size_t i = 0; rc == 0 && f->options->offline && i < f->nr_wanted; i++)
        if (f->wanted[i]->state == CENV_FETCH_MISSING && !f->wanted[i]->local)
            rc = cenv_fetch_job_fail_offline(f->jobs, f->nr, f->err);
    if (rc < 0)
        return rc;
    announce_bytes(f);
    if (!cenv_queue_init(&f->ready, f->nr_wanted))
        rc = cenv_error_oom(f->err);
    if (rc == 0)
        rc = cenv_pool_run(threads + 1, f->nr_wanted + 1, download_or_extract, f,
                           f->task, f->err);
    cenv_queue_release(&f->ready);
    return rc;
}

/* Publishes what was made, even when something else failed: it need not be fetched again. */
static int publish_made(struct fetch *f)
{
    int rc = cenv_publish_sync(f->store, f->task, f->err);

    for (size_t i = 0; i < f->nr_wanted && rc == 0; i++) {
        struct cenv_fetch_job *job = f->wanted[i];
        if (job->state != CENV_FETCH_MADE)
            continue;
        rc = cenv_package_entry_publish(f->store, cenv_str(job->sha256), &f->scratch,
                                        job->dir, job->replace, f->err);
        if (rc == 0 && job->learnt)
            rc = cenv_known_hash_put(f->store, cenv_secret_url_text(job->url),
                                     cenv_str(job->md5), job->stated_size, job->sha256,
                                     f->err);
        job->state = CENV_FETCH_THERE;
    }
    return rc;
}

/* The first failure in the order of the records. */
static int first_failure(struct fetch *f)
{
    for (size_t i = 0; i < f->nr; i++) {
        if (f->jobs[i].state == CENV_FETCH_FAILED)
            return cenv_error_move(f->err, &f->jobs[i].err);
    }
    return 0;
}

/* Makes and publishes `wanted`, all locked by us. */
static int obtain_wanted(struct fetch *f)
{
    int rc = cenv_scratch_open(f->store, &f->scratch, f->err);

    if (rc < 0)
        return rc;
    rc = make_entries(f);
    if (rc == 0 || atomic_load(&f->failed)) {
        struct cenv_error *outer = f->err, own = CENV_ERROR_INIT;
        f->err = &own;
        int published = publish_made(f);
        f->err = outer;
        if (rc == 0)
            rc = published < 0 ? cenv_error_move(outer, &own) : first_failure(f);
        cenv_error_release(&own);
    }
    f->scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(f->store, &f->scratch);
    return rc;
}

/* ---- among processes ---- */

static void unlock_jobs(struct fetch *f)
{
    for (size_t i = 0; i < f->nr; i++) {
        struct cenv_fetch_job *job = &f->jobs[i];
        if (job->lock)
            cenv_store_lock_release(f->store, job->key, job->lock);
        job->lock = NULL;
    }
}

/* Locks those that no other process is fetching. One that was published meanwhile is there. */
static int lock_free_jobs(struct fetch *f)
{
    int rc = 0;

    for (size_t i = 0; i < f->nr && rc == 0; i++) {
        struct cenv_fetch_job *job = &f->jobs[i];
        if (job->state != CENV_FETCH_MISSING || cenv_fetch_job_is_repeated(f->jobs, i))
            continue;
        rc = cenv_store_lock_try(f->store, job->key, &job->lock, f->err);
        if (rc == 1) {
            rc = 0; /* another process has it */
            continue;
        }
        if (rc == 0)
            rc = find_stored(f, i, 0, f->err);
        if (rc == 0 && job->state == CENV_FETCH_MISSING)
            f->wanted[f->nr_wanted++] = job;
    }
    return rc;
}

/* What another process was fetching: wait for it, and do it ourselves when it did not. */
static int wait_for_job(struct fetch *f, size_t index)
{
    struct cenv_fetch_job *job = &f->jobs[index];
    int rc = cenv_store_lock_take(f->store, job->key, &job->lock, f->task, f->err);

    if (rc == 0)
        rc = find_stored(f, index, 0, f->err);
    if (rc == 0 && job->state == CENV_FETCH_MISSING) {
        f->wanted[0] = job;
        f->nr_wanted = 1;
        rc = obtain_wanted(f);
    }
    unlock_jobs(f);
    return rc;
}

static int fetch_missing(struct fetch *f)
{
    int rc = lock_free_jobs(f);

    if (rc == 0 && f->nr_wanted > 0)
        rc = obtain_wanted(f);
    unlock_jobs(f);
    for (size_t i = 0; i < f->nr && rc == 0; i++) {
        if (f->jobs[i].state == CENV_FETCH_MISSING)
            rc = wait_for_job(f, i);
    }
    return rc;
}

/* ---- the whole ---- */

static int fetch_jobs(struct fetch *f)
{
    bool missing = false;
    int rc = find_all_stored(f);

    for (size_t i = 0; i < f->nr; i++)
        missing |= f->jobs[i].state != CENV_FETCH_THERE;
    if (rc == 0 && missing)
        rc = fetch_missing(f);
    return rc;
}

/* Each record is the job's still when the list does not come to be. */
static int list_records(struct fetch *f, struct cenv_json **out)
{
    struct cenv_json *list = cenv_json_array();
    int rc = list ? 0 : cenv_error_oom(f->err);

    for (size_t i = 0; i < f->nr && rc == 0; i++) {
        rc = cenv_fetch_job_complete_record(&f->jobs[i], f->store, f->err);
        if (rc < 0)
            break;
        struct cenv_json *record = f->jobs[i].record;
        f->jobs[i].record = NULL;
        if (!cenv_json_append(list, record))
            rc = cenv_error_oom(f->err);
    }
    if (rc == 0)
        *out = list;
    else
        cenv_json_free(list);
    return rc;
}

static int fetch_records(struct fetch *f, const struct cenv_json *records,
                         struct cenv_json **out)
{
    const struct cenv_json *record;
    size_t i = 0;
    int rc = 0;

    f->nr = cenv_json_len(records);
    f->jobs = cenv_calloc(f->nr + 1, sizeof(*f->jobs));
    f->wanted = cenv_calloc(f->nr + 1, sizeof(*f->wanted));
    if (!f->jobs || !f->wanted)
        return cenv_error_oom(f->err);
    cenv_json_each(record, records)
    {
        if (rc == 0)
            rc = cenv_fetch_job_init(&f->jobs[i], i, record, f->options->secrets,
                                     f->err);
        i++;
    }
    if (rc == 0)
        rc = fetch_jobs(f);
    if (rc == 0)
        rc = list_records(f, out);
    return rc;
}

int cenv_fetch_packages_obtain(struct cenv_store *store,
                               const struct cenv_json *records,
                               const struct cenv_fetch_options *options,
                               struct cenv_task *task, struct cenv_json **out,
                               struct cenv_error *err)
{
    struct fetch f = {.store = store, .options = options, .task = task, .err = err};
    int rc = cenv_layout_check_path(store, err);
    if (rc == 0)
        rc = fetch_records(&f, records, out);

    for (size_t i = 0; f.jobs && i < f.nr; i++) {
        if (rc == 0)
            cenv_fetch_job_tell(&f.jobs[i], task);
        cenv_fetch_job_release(&f.jobs[i]);
    }
    cenv_free(f.jobs);
    cenv_free(f.wanted);
    return rc;
}

struct given {
    struct cenv_fetch_options fetch;
};

static const struct cenv_option option_table[] = {
    CENV_FETCH_OPTION_ROWS(struct given, fetch),
};
static const struct cenv_options options_of_fetch =
    CENV_OPTIONS("fetch_packages", option_table);

int cenv_fetch_packages(struct cenv_store *store, const char *records_json,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json *records = NULL, *doc = NULL, *fetched = NULL;
    struct given given = {0};
    int rc =
        cenv_json_parse(&records, cenv_str(records_json), "the list of records", err);

    if (rc == 0)
        rc = cenv_options_parse(&options_of_fetch, &doc, options_json, &given, err);
    if (rc == 0)
        rc = cenv_fetch_packages_obtain(store, records, &given.fetch, task, &fetched,
                                        err);
    if (rc == 0 && !cenv_json_print(fetched, 0, out))
        rc = cenv_error_oom(err);
    cenv_json_free(fetched);
    cenv_json_free(doc);
    cenv_json_free(records);
    return rc;
}
