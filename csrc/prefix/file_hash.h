/* SPDX-License-Identifier: BSD-3-Clause */
/* Digests of files, many by one thread with one buffer. */
#ifndef CENV_PREFIX_FILE_HASH_H
#define CENV_PREFIX_FILE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

struct cenv_file_hash {
    struct cenv_digest *digest;
    char *block;
};

/* False: out of memory. Zero-initialised is fine to release. One thread at a time. */
bool cenv_file_hash_init(struct cenv_file_hash *hash, enum cenv_digest_kind kind);
void cenv_file_hash_release(struct cenv_file_hash *hash);

/*
 * The hex digest of what `fd` holds from its offset 0 on into hex[CENV_DIGEST_HEX_MAX], and the
 * number of bytes into *size (may be NULL). `name` is for messages; 0 or a status.
 */
int cenv_file_hash_fd(struct cenv_file_hash *hash, int fd, const char *name, char *hex,
                      uint64_t *size, struct cenv_task *task, struct cenv_error *err);

/* The same of bytes in memory. False: out of memory. */
bool cenv_file_hash_bytes(struct cenv_file_hash *hash, struct cenv_str bytes,
                          char *hex);

#endif
