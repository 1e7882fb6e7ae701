/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of blobs: see blob_file.h. */
#include "remote/blob_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/pool.h"
#include "os/fs.h"
#include "os/raw_data.h"

enum { BLOCK = 1 << 20, THREADS = 4 };

struct files {
    struct cenv_remote_blob *const *blobs;
    int *fds;
    struct cenv_task *task;
};

/* A blob's content, from byte `at` of the file `from` on; copied to `to` unless that is < 0. */
struct content {
    int from, to;
    uint64_t at;
    struct cenv_remote_blob *blob;
    char *block;
    struct cenv_digest *digest;
    struct cenv_task *task;
};

static int take_block(const struct content *c, size_t len)
{
    struct cenv_remote_blob *blob = c->blob;
    int failed = c->to < 0 ? 0 : cenv_raw_write(c->to, c->block, len);
    if (failed < 0)
        return cenv_fs_fail(&blob->err, failed, blob->dir, blob->file, "cannot write");
    if (!cenv_digest_update(c->digest, c->block, len))
        return cenv_error_oom(&blob->err);
    return cenv_task_poll(c->task, &blob->err);
}

static int read_digest(const struct content *c)
{
    struct cenv_remote_blob *blob = c->blob;
    for (uint64_t at = 0; at < blob->size;) {
        uint64_t left = blob->size - at;
        int64_t n = cenv_raw_pread(c->from, c->block,
                                   left < BLOCK ? (size_t)left : BLOCK, c->at + at);
        if (n < 0)
            return cenv_fs_fail(&blob->err, (int)n, c->from, NULL, "cannot read");
        if (n == 0)
            break;
        int rc = take_block(c, (size_t)n);
        if (rc < 0)
            return rc;
        at += (uint64_t)n;
    }
    return 0;
}

/* 1 where the content has the blob's digest, 0 not, or a status. */
static int compare_content(struct content *c)
{
    char hex[CENV_DIGEST_HEX_MAX] = "";

    c->digest = cenv_digest_new(CENV_SHA256);
    c->block = cenv_malloc(BLOCK);
    int rc = c->digest && c->block ? read_digest(c) : cenv_error_oom(&c->blob->err);
    if (rc == 0 && !cenv_digest_hex(c->digest, hex))
        rc = cenv_error_oom(&c->blob->err);
    cenv_digest_free(c->digest);
    cenv_free(c->block);
    if (rc == 0)
        rc = strcmp(hex, c->blob->sha256) == 0;
    return rc;
}

static int check_file(int fd, const struct cenv_stat *st, struct cenv_remote_blob *blob,
                      struct cenv_task *task)
{
    struct content content = {.from = fd, .to = -1, .blob = blob, .task = task};
    int rc = compare_content(&content);

    if (rc == 0 || (rc == 1 && st->size != blob->size))
        return cenv_error_set(&blob->err, CENV_EINTEGRITY,
                              "'%s' is not the blob of %llu bytes that it should be",
                              blob->file, (unsigned long long)blob->size);
    return rc < 0 ? rc : 0;
}

int cenv_blob_file_receive(struct cenv_remote_blob *blob, int fd, uint64_t at,
                           struct cenv_task *task)
{
    struct content content = {.from = fd, .at = at, .blob = blob, .task = task};
    content.to = cenv_fs_create(blob->dir, blob->file, 0666, &blob->err);
    if (content.to < 0)
        return content.to;
    int rc = compare_content(&content), closed = cenv_raw_close(content.to);
    if (rc == 0)
        rc = cenv_error_set(&blob->err, CENV_EINTEGRITY, "'%s' in it is damaged",
                            blob->sha256);
    if (rc == 1)
        rc = closed < 0 ? cenv_fs_fail(&blob->err, closed, blob->dir, blob->file,
                                       "cannot write")
                        : 0;
    if (rc < 0)
        cenv_raw_unlink(blob->dir, blob->file);
    return rc;
}

static int open_job(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    const struct files *files = ctx;
    struct cenv_remote_blob *blob = files->blobs[index];
    struct cenv_stat st;

    (void)thread;
    if (blob->there || blob->rc < 0)
        return 0;
    int fd = cenv_fs_open_file(blob->dir, blob->file, &st, &blob->err);
    int rc = fd < 0 ? fd : check_file(fd, &st, blob, files->task);
    if (rc == 0) {
        files->fds[index] = fd;
        return 0;
    }
    cenv_fd_close(fd);
    blob->rc = rc;
    return rc == CENV_ECANCELLED ? cenv_error_set(err, rc, "interrupted") : 0;
}

static void close_all(int *fds, size_t nr)
{
    for (size_t i = 0; i < nr; i++)
        cenv_fd_close(fds[i]);
    cenv_free(fds);
}

int cenv_blob_files_send(struct cenv_remote_state *state,
                         struct cenv_remote_blob *const *blobs, size_t nr,
                         cenv_blob_files_send_fn send, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct files files = {blobs, cenv_calloc(nr, sizeof(*files.fds)), task};

    if (!files.fds)
        return cenv_error_oom(err);
    for (size_t i = 0; i < nr; i++)
        files.fds[i] = -1;
    int rc = cenv_pool_run(THREADS, nr, open_job, &files, task, err);
    if (rc == 0)
        rc = send(state, blobs, files.fds, nr, task, err);
    close_all(files.fds, nr);
    return rc;
}
