/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of blobs that are sent: see blob_file.h. */
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

static int read_digest(int fd, struct cenv_remote_blob *blob, char *block,
                       struct cenv_digest *digest, struct cenv_task *task)
{
    for (uint64_t at = 0; at < blob->size;) {
        uint64_t left = blob->size - at;
        int64_t n = cenv_raw_pread(fd, block, left < BLOCK ? (size_t)left : BLOCK, at);
        if (n < 0)
            return cenv_fs_fail(&blob->err, (int)n, blob->dir, blob->file,
                                "cannot read");
        if (n == 0)
            break;
        if (!cenv_digest_update(digest, block, (size_t)n))
            return cenv_error_oom(&blob->err);
        at += (uint64_t)n;
        int rc = cenv_task_poll(task, &blob->err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_file(int fd, const struct cenv_stat *st, struct cenv_remote_blob *blob,
                      struct cenv_task *task)
{
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    char *block = cenv_malloc(BLOCK), hex[CENV_DIGEST_HEX_MAX] = "";
    int rc = digest && block ? read_digest(fd, blob, block, digest, task)
                             : cenv_error_oom(&blob->err);

    if (rc == 0 && !cenv_digest_hex(digest, hex))
        rc = cenv_error_oom(&blob->err);
    if (rc == 0 && (st->size != blob->size || strcmp(hex, blob->sha256) != 0))
        rc = cenv_error_set(&blob->err, CENV_EINTEGRITY,
                            "'%s' is not the blob of %llu bytes that it should be",
                            blob->file, (unsigned long long)blob->size);
    cenv_digest_free(digest);
    cenv_free(block);
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
