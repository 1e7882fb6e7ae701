/* SPDX-License-Identifier: BSD-3-Clause */
/* The packages that lie beside a description, for those that this machine lacks. */
#ifndef CENV_ARCHIVE_PULL_PACKAGES_H
#define CENV_ARCHIVE_PULL_PACKAGES_H

#include "archive/parcel.h"
#include "fetch/fetch_packages.h"
#include "remote/remote.h"

/* All borrowed. */
struct cenv_pull_packages {
    struct cenv_remote *remote;
    const struct cenv_parcel *parcel;
    int scratch;
    uint64_t received; /* the answer: bytes, */
    size_t nr;         /* and packages */
    struct cenv_task *task;
};

/*
 * Brings archives for cenv_fetch_options, `ctx` being a cenv_pull_packages. What the remote does
 * not have, or not as it was pushed, is left to the channel.
 */
int cenv_pull_packages_bring(void *ctx, struct cenv_fetch_job *const *jobs, size_t nr,
                             struct cenv_error *err);

#endif
