/* SPDX-License-Identifier: BSD-3-Clause */
/* The store keeps packages extracted, so an archive is looked for where it came from. */
#include "fetch/fetch_archives.h"

#include <string.h>

#include "base/alloc.h"
#include "net/network.h"
#include "os/fs.h"
#include "prefix/file_hash.h"

enum { PARALLEL = 8, PATH_BYTES_MAX = 1 << 20 };

struct search {
    struct cenv_fetch_archives *found;
    const struct cenv_fetch_options *options;
    int dir;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int find_in_caches(const struct search *s, struct cenv_fetch_job *job)
{
    const struct cenv_json *dir;
    struct cenv_pkgs_dirs_want want = cenv_fetch_job_want(job);
    struct cenv_buf path;
    int rc = 0;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_json_each(dir, s->options->pkgs_dirs)
    {
        const char *name = cenv_json_cstr(dir);
        if (rc == 0 && name)
            rc = cenv_pkgs_dirs_find_archive(name, &want, &path, s->task, s->err);
    }
    if (rc == 1)
        job->local = cenv_buf_detach(&path);
    cenv_buf_release(&path);
    return rc < 0 ? rc : 0;
}

static int init_jobs(const struct search *s, const struct cenv_json *records)
{
    struct cenv_fetch_archives *found = s->found;
    const struct cenv_json *record;
    int rc = 0;
    found->jobs = cenv_calloc(cenv_json_len(records) + 1, sizeof(*found->jobs));
    if (!found->jobs)
        return cenv_error_oom(s->err);
    cenv_json_each(record, records)
    {
        struct cenv_fetch_job *job = &found->jobs[found->nr];
        if (rc < 0)
            break;
        rc = cenv_fetch_job_init(job, found->nr++, record, s->options->secrets, s->err);
        if (rc == 0 && !job->local)
            rc = find_in_caches(s, job);
    }
    return rc;
}

static int check_transfer(const struct search *s, struct cenv_fetch_job *job)
{
    if (job->transfer.rc == 0 && job->transfer.reply.status == 200)
        return 0;
    cenv_network_set_error(&job->transfer, s->err);
    return cenv_error_prefix(s->err, "package %s", job->fn);
}

static int download_list(const struct search *s, struct cenv_http_transfer **list,
                         size_t nr)
{
    struct cenv_network network = {.http = NULL};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_DOWNLOAD, "");
    int rc = cenv_network_open(&network, s->options->network, s->err);
    if (rc == 0)
        rc = cenv_http_run(network.http, list, nr, PARALLEL, NULL, NULL, s->task,
                           s->err);
    for (size_t i = 0; i < nr; i++)
        span.bytes += list[i]->reply.received;
    span.items = nr;
    cenv_span_end(s->task, &span);
    cenv_network_close(&network);
    return rc;
}

static int download_missing(const struct search *s)
{
    struct cenv_http_transfer **list = cenv_calloc(s->found->nr + 1, sizeof(*list));
    size_t nr = 0;
    int rc = list ? 0 : cenv_error_oom(s->err);
    for (size_t i = 0; rc == 0 && i < s->found->nr; i++)
        if (!s->found->jobs[i].local)
            list[nr++] = cenv_fetch_job_transfer(&s->found->jobs[i], s->dir);
    if (rc == 0 && nr && s->options->offline)
        rc = cenv_fetch_job_fail_offline(s->found->jobs, s->found->nr, s->err);
    if (rc == 0 && nr)
        rc = download_list(s, list, nr);
    for (size_t i = 0; rc == 0 && i < s->found->nr; i++)
        if (!s->found->jobs[i].local)
            rc = check_transfer(s, &s->found->jobs[i]);
    cenv_free(list);
    return rc;
}

static int check_archive(const struct search *s, struct cenv_file_hash *hash,
                         struct cenv_fetch_job *job)
{
    char hex[CENV_DIGEST_HEX_MAX];
    int fd = job->local ? cenv_fs_open_named(job->local, NULL, s->err)
                        : cenv_fs_open_file(s->dir, job->archive, NULL, s->err);
    if (fd < 0)
        return fd;
    int rc = cenv_file_hash_fd(hash, fd, job->fn, hex, &job->size, s->task, s->err);
    cenv_fd_close(fd);
    if (rc < 0 || strcmp(hex, job->sha256) == 0)
        return rc;
    return cenv_error_set(s->err, CENV_EINTEGRITY,
                          "package %s: its SHA-256 is %s, its record says %s", job->fn,
                          hex, job->sha256);
}

static int check_all(const struct search *s)
{
    struct cenv_file_hash hash = {0};
    int rc = cenv_file_hash_init(&hash, CENV_SHA256) ? 0 : cenv_error_oom(s->err);
    for (size_t i = 0; rc == 0 && i < s->found->nr; i++)
        rc = check_archive(s, &hash, &s->found->jobs[i]);
    cenv_file_hash_release(&hash);
    return rc;
}

int cenv_fetch_archives_obtain(struct cenv_fetch_archives *out,
                               const struct cenv_json *records,
                               const struct cenv_fetch_options *options, int dir,
                               struct cenv_task *task, struct cenv_error *err)
{
    struct search s = {
        .found = out, .options = options, .dir = dir, .task = task, .err = err};
    *out = (struct cenv_fetch_archives){0};
    int rc = init_jobs(&s, records);
    if (rc == 0)
        rc = download_missing(&s);
    if (rc == 0)
        rc = check_all(&s);
    return rc;
}

void cenv_fetch_archives_release(struct cenv_fetch_archives *archives)
{
    for (size_t i = 0; archives->jobs && i < archives->nr; i++)
        cenv_fetch_job_release(&archives->jobs[i]);
    cenv_free(archives->jobs);
    *archives = (struct cenv_fetch_archives){0};
}
