/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the bytes of a repodata come from. */
#ifndef CENV_REPODATA_REPODATA_SOURCE_H
#define CENV_REPODATA_REPODATA_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* What is known of a file before it is read. A repodata copies all spans. */
struct cenv_repodata_source {
    struct cenv_str file;        /* as messages name it */
    struct cenv_str subdir;      /* the one asked for; empty: whatever the file says */
    struct cenv_str channel;     /* canonical name ("conda-forge") */
    struct cenv_str channel_url; /* without subdir and secrets */
    /* Of the directory that the file lies in, without secrets, to which its base_url is relative;
     * empty: channel_url/subdir. */
    struct cenv_str url;
    uint32_t channel_rank;
    /* Its .conda packages do not count: of twins the .tar.bz2 is given. */
    bool only_tar_bz2;
    /* May be NULL. The scan calls it every few MB with bytes that it has read and needs no more;
     * a status with `err` set ends the scan. */
    int (*passed)(void *ctx, const char *at, size_t len, struct cenv_error *err);
    void *ctx;
};

/* How the bytes of a file are read when a name is asked for: `read` gives all `len` bytes from
 * `at` on, or returns false. Any thread may call it as long as the repodata lives. */
struct cenv_repodata_bytes {
    bool (*read)(void *ctx, uint64_t at, char *out, size_t len);
    void *ctx;
    uint64_t len;
};

#endif
