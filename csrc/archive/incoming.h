/* SPDX-License-Identifier: BSD-3-Clause */
/* A template that is made of its description: packages, linked, with a delta laid over. */
#ifndef CENV_ARCHIVE_INCOMING_H
#define CENV_ARCHIVE_INCOMING_H

#include "archive/arrival.h"
#include "archive/delta_lay.h"
#include "archive/parcel.h"
#include "fetch/fetch_packages.h"
#include "remote/remote.h"

/* All borrowed but what is the answer. */
struct cenv_incoming {
    struct cenv_store *store;
    int scratch; /* where it is made */
    unsigned n;  /* sets its names there apart */
    const struct cenv_parcel *parcel;
    struct cenv_remote *remote; /* for packages that lie beside the description */
    const struct cenv_fetch_options *fetch;
    const struct cenv_json *urls; /* SHA-256 -> URL for this machine; NULL: none */
    bool verify; /* of a linked one: what links make is made here too, and compared */
    const struct cenv_delta_source *delta; /* its own */
    /* Another delta whose contents are used too, as of cenv_delta_laying. */
    const struct cenv_delta_source *(*find)(void *ctx, const unsigned char *sha256);
    void *ctx;
    struct cenv_link_plan *plan; /* at work: of its packages */
    /* The answer: bytes and number of packages that the remote gave. */
    uint64_t received;
    size_t nr_packages;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* Where the delta of a description lies: from byte `at` of the file `fd`, beside what has `whole`
 * bytes. Release `out->delta` after a failure too. */
int cenv_incoming_open_delta(struct cenv_delta_source *out,
                             const struct cenv_delta_facts *facts, int fd, uint64_t at,
                             uint64_t whole, struct cenv_task *task,
                             struct cenv_error *err);

/* The entry, all but published (arrival.h). CENV_ECHANNEL: a package is not to be had;
 * CENV_EINTEGRITY: something is not what the description says. */
int cenv_incoming_make(struct cenv_incoming *in);

#endif
