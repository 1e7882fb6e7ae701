/* SPDX-License-Identifier: BSD-3-Clause */
/* One package file into one directory, in one pass: decode, check, hash, write. */
#ifndef CENV_OPS_EXTRACT_H
#define CENV_OPS_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/task.h"
#include "ops/pkgmanifest.h"

/* Bounds of what one package may expand to; the defaults are ten times what conda-forge has. */
struct cenv_extract_limits {
    uint64_t max_bytes;   /* 64 GiB */
    uint64_t max_members; /* 2 million */
    unsigned max_ratio;   /* 1000: expanded to archived bytes, beyond the first 64 MiB */
};
void cenv_extract_limits_init(struct cenv_extract_limits *limits);

/* What is asked, and what the archive turned out to be. */
struct cenv_extract_request {
    const char *name;   /* for messages, and its end tells the format: ".conda", ".tar.bz2" */
    int fd;             /* of the archive, read from offset 0 to its end */
    int dest;           /* an empty directory */
    const char *sha256; /* hex the archive must have, or NULL */
    const char *md5;    /* the same; only looked at when sha256 is NULL */
    uint64_t size;      /* it must have, or 0 */
    struct cenv_extract_limits limits;
};
struct cenv_extract_result {
    char sha256[65]; /* of the archive */
    uint64_t size;
    struct cenv_pkgmanifest manifest;
};
void cenv_extract_result_release(struct cenv_extract_result *result);

/*
 * Extracts a package (CEP 34, CEP 35) after the rules of extract.md §1.3, and checks it against
 * info/paths.json (or the older files, has_prefix, no_link): every listed path is there with its
 * type, size and SHA-256, and nothing but info/ beside them. On failure (CENV_EINTEGRITY for a bad
 * package) `dest` may hold anything; the caller made it and removes it. Not synced.
 */
int cenv_extract_into(const struct cenv_extract_request *request,
                      struct cenv_extract_result *result, struct cenv_task *task,
                      struct cenv_error *err);

#endif
