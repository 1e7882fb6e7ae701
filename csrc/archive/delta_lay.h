/* SPDX-License-Identifier: BSD-3-Clause */
/* Laying a delta over packages that were just linked, or into an empty directory. */
#ifndef CENV_ARCHIVE_DELTA_LAY_H
#define CENV_ARCHIVE_DELTA_LAY_H

#include "archive/delta.h"

/* A delta that is open, and where it lies. */
struct cenv_delta_source {
    struct cenv_delta delta;
    struct cenv_delta_place place;
};

struct cenv_delta_laying {
    const struct cenv_delta_source *source;
    int root; /* the directory, which nobody else writes to; borrowed */
    /* Another delta by its SHA-256 (32 bytes), borrowed; NULL: it is not to be had. Itself NULL:
     * none is. */
    const struct cenv_delta_source *(*find)(void *ctx, const unsigned char *sha256);
    void *ctx;
    uint64_t files, bytes; /* the answer: files that were written */
};

/*
 * Nothing is written outside the directory, whatever the delta says: CENV_EINTEGRITY for entries in
 * each other's way. After a failure the directory may hold anything.
 */
int cenv_delta_lay(struct cenv_delta_laying *laying, struct cenv_task *task,
                   struct cenv_error *err);

#endif
