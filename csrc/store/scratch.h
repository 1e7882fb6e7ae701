/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories in v1/tmp where everything is made. */
#ifndef CENV_STORE_SCRATCH_H
#define CENV_STORE_SCRATCH_H

#include "os/lock.h"
#include "store/layout.h"

struct cenv_sweep;

/*
 * A directory of one's own in v1/tmp (0700), guarded by a lock that dies with its owner, so that a
 * sweep knows what is left over. Close removes it with all that is still in it.
 */
struct cenv_scratch {
    char *name; /* in v1/tmp */
    int fd;
    struct cenv_lock *lock;
    /* Set by the owner: what cannot be removed at once is left to a sweep. */
    bool hurried;
};
int cenv_scratch_open(const struct cenv_store *store, struct cenv_scratch *scratch,
                      struct cenv_error *err);
void cenv_scratch_close(const struct cenv_store *store, struct cenv_scratch *scratch);

/* Removes those whose owner is gone. */
int cenv_scratch_sweep(struct cenv_sweep *sweep, struct cenv_error *err);

#endif
