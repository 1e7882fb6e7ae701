/* SPDX-License-Identifier: BSD-3-Clause */
/* What an extracted package consists of: written beside its content, compared before every use. */
#ifndef CENV_PACKAGE_PACKAGE_MANIFEST_H
#define CENV_PACKAGE_PACKAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "os/raw_file.h"

/* One member of the content directory, as it lies on disk after extraction. */
struct cenv_package_file {
    struct cenv_str path;     /* relative to the content, normalised, NUL behind */
    struct cenv_str link;     /* target of a link, NUL behind; else empty */
    enum cenv_file_type type; /* FILE, DIR or SYMLINK */
    uint32_t mode;            /* 07777 */
    uint64_t size;
    int64_t mtime_ns;
    unsigned char sha256[CENV_SHA256_LEN]; /* of a file's bytes, else zeros */
};

struct cenv_package_manifest {
    struct cenv_package_file *entries;
    size_t nr, alloc;
    struct cenv_arena arena;
};

void cenv_package_manifest_init(struct cenv_package_manifest *manifest);
void cenv_package_manifest_release(struct cenv_package_manifest *manifest);

/* Adds a copy of `entry`, texts included. False: out of memory. */
bool cenv_package_manifest_add(struct cenv_package_manifest *manifest,
                               const struct cenv_package_file *entry);

/*
 * Sorts the entries by path (bytewise) and writes them to `name`, a new file: binary, with a
 * checksum of its own.
 */
int cenv_package_manifest_write(struct cenv_package_manifest *manifest, int dirfd,
                                const char *name, struct cenv_error *err);

/* Reads what write wrote, sorted by path. Anything else is CENV_EINTEGRITY. */
int cenv_package_manifest_read(struct cenv_package_manifest *out, int dirfd,
                               const char *name, struct cenv_error *err);

/* The entry of `path`, or NULL. The manifest must be sorted (read, or written). */
const struct cenv_package_file *
cenv_package_manifest_find(const struct cenv_package_manifest *manifest,
                           struct cenv_str path);

/*
 * Compares type, size, mtime and mode of every file (targets of links, too) below `content_fd`.
 * 0 as it was; 1 altered, with the first such path appended to `which`; or a status.
 */
int cenv_package_manifest_check(const struct cenv_package_manifest *manifest,
                                int content_fd, struct cenv_buf *which,
                                struct cenv_task *task, struct cenv_error *err);

/* Bytes of all files. */
uint64_t cenv_package_manifest_bytes(const struct cenv_package_manifest *manifest);

#endif
