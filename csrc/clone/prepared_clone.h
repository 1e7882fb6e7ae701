/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone before anything of it is made: its source's manifest, and the path that it is to have. */
#ifndef CENV_CLONE_PREPARED_CLONE_H
#define CENV_CLONE_PREPARED_CLONE_H

#include "manifest/manifest.h"

/* Read-only once it is made: any number of threads may place files by it. */
struct cenv_prepared_clone {
    const struct cenv_manifest *m; /* borrowed */
    int src;                       /* the root of the source; borrowed */
    struct cenv_forms forms;       /* of the clone's path */
    /* By relocation: 1 where the path has no room, so that the file is copied as it is. */
    unsigned char *verbatim;
};

/*
 * Prepares a clone of `m`, whose files lie in the directory `src`, at the path `prefix`.
 * CENV_EPREFIX when the path does not fit a package's binary, naming the file and both lengths.
 * `m` and `src` must live as long as the prepared clone, which the caller releases.
 */
int cenv_prepared_clone_init(struct cenv_prepared_clone *out,
                             const struct cenv_manifest *m, int src,
                             struct cenv_str prefix, struct cenv_error *err);
void cenv_prepared_clone_release(struct cenv_prepared_clone *prepared);

#endif
