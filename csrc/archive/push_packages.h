/* SPDX-License-Identifier: BSD-3-Clause */
/* The packages of a template, pushed beside it. */
#ifndef CENV_ARCHIVE_PUSH_PACKAGES_H
#define CENV_ARCHIVE_PUSH_PACKAGES_H

#include "archive/parcel.h"
#include "fetch/fetch_packages.h"
#include "remote/remote.h"

/* All borrowed. */
struct cenv_push_sending {
    struct cenv_remote *remote;
    const struct cenv_json *records; /* complete: each with sha256, size and fn */
    const struct cenv_fetch_options *fetch;
    int scratch; /* what must be downloaded comes there */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* Those that lie there now; `fn` is borrowed from the records. Zero-initialised: none. */
struct cenv_push_packages {
    struct cenv_parcel_package *packages;
    size_t nr;
    uint64_t sent;                          /* bytes */
    struct cenv_remote_blob *blobs, **list; /* at work */
};

/* What a package is called by its file name. */
enum cenv_blob_kind cenv_push_packages_kind(struct cenv_str fn);

/*
 * Sends those that the remote lacks; only these are looked for. CENV_ECHANNEL: an archive is not to
 * be had. Release it after a failure too.
 */
int cenv_push_packages_send(struct cenv_push_packages *out,
                            const struct cenv_push_sending *sending);
void cenv_push_packages_release(struct cenv_push_packages *packages);

#endif
