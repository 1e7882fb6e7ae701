/* SPDX-License-Identifier: BSD-3-Clause */
/* A template from elsewhere on its way into the store: unpacked, relocated, described. */
#ifndef CENV_ARCHIVE_ARRIVAL_H
#define CENV_ARCHIVE_ARRIVAL_H

#include "base/error.h"
#include "base/task.h"
#include "codec/json.h"
#include "manifest/manifest.h"
#include "store/layout.h"

enum { CENV_ARRIVAL_NAME = 16 };

/* All borrowed. */
struct cenv_arrival {
    struct cenv_store *store;
    int scratch; /* where it is made */
    unsigned n;  /* sets its names there apart */
    const char *id;
    const char *from;            /* the prefix that its files name */
    const struct cenv_json *doc; /* its template.json */
    /* Makes the files, as they lay at `from`, in the empty directory `dir`. */
    int (*fill)(void *ctx, int dir, struct cenv_error *err);
    /* The manifest of that directory for `from`, for who knows more of it than its files say; or
     * NULL. */
    int (*describe)(void *ctx, int dir, struct cenv_manifest **out,
                    struct cenv_error *err);
    void *ctx;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* What it is called in the scratch directory: unpacked, and as the entry that it will be. */
void cenv_arrival_names(unsigned n, char source[CENV_ARRIVAL_NAME],
                        char entry[CENV_ARRIVAL_NAME]);

/* Its files, unpacked and no more: their directory's descriptor, or a status. */
int cenv_arrival_unpack(const struct cenv_arrival *arrival);

/* The entry, all but published: its files name the place where it will be. */
int cenv_arrival_make(const struct cenv_arrival *arrival);

#endif
