/* SPDX-License-Identifier: BSD-3-Clause */
/* One context and one block serve all files of a thread. */
#include "prefix/file_hash.h"

#include "base/alloc.h"
#include "os/fs.h"
#include "os/raw_data.h"

enum { BLOCK = 256 * 1024 };

bool cenv_file_hash_init(struct cenv_file_hash *hash, enum cenv_digest_kind kind)
{
    hash->digest = cenv_digest_new(kind);
    hash->block = cenv_malloc(BLOCK);
    if (hash->digest && hash->block)
        return true;
    cenv_file_hash_release(hash);
    return false;
}

void cenv_file_hash_release(struct cenv_file_hash *hash)
{
    cenv_digest_free(hash->digest);
    cenv_free(hash->block);
    *hash = (struct cenv_file_hash){NULL, NULL};
}

/* The library refuses only for want of memory. */
static bool finish_digest(struct cenv_file_hash *hash, char *hex)
{
    bool done = cenv_digest_hex(hash->digest, hex);
    return cenv_digest_reset(hash->digest) && done;
}

int cenv_file_hash_fd(struct cenv_file_hash *hash, int fd, const char *name, char *hex,
                      uint64_t *size, struct cenv_task *task, struct cenv_error *err)
{
    uint64_t at = 0;
    int64_t n;
    while ((n = cenv_raw_pread(fd, hash->block, BLOCK, at)) > 0) {
        if (!cenv_digest_update(hash->digest, hash->block, (size_t)n))
            return cenv_error_oom(err);
        at += (uint64_t)n;
        if (n < BLOCK)
            break;
        if (cenv_task_poll(task, err) != 0)
            return CENV_ECANCELLED;
    }
    if (n < 0)
        return cenv_fs_fail(err, (int)n, CENV_CWD, name, "cannot read");
    if (!finish_digest(hash, hex))
        return cenv_error_oom(err);
    if (size)
        *size = at;
    return 0;
}

bool cenv_file_hash_bytes(struct cenv_file_hash *hash, struct cenv_str bytes, char *hex)
{
    return cenv_digest_update(hash->digest, bytes.data, bytes.len) &&
           finish_digest(hash, hex);
}
