/* SPDX-License-Identifier: BSD-3-Clause */
/* The archives of packages as files, for those that pass them on as they are. */
#ifndef CENV_FETCH_FETCH_ARCHIVES_H
#define CENV_FETCH_FETCH_ARCHIVES_H

#include "fetch/fetch_job.h"
#include "fetch/fetch_packages.h"

/* A job's archive is the file `local`, or where that is NULL `archive` in the directory given. */
struct cenv_fetch_archives {
    struct cenv_fetch_job *jobs; /* in the order of the records */
    size_t nr;
};

/*
 * Finds the archives of `records`, an array, each with its sha256: in package caches, on this
 * machine, else downloaded into the directory `dir`. Each is compared with its digest.
 * CENV_ECHANNEL: not to be had; CENV_EINTEGRITY: it is not what its record says. Release it after a
 * failure too; what was downloaded stays.
 */
int cenv_fetch_archives_obtain(struct cenv_fetch_archives *out,
                               const struct cenv_json *records,
                               const struct cenv_fetch_options *options, int dir,
                               struct cenv_task *task, struct cenv_error *err);
void cenv_fetch_archives_release(struct cenv_fetch_archives *archives);

#endif
