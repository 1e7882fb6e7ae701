/* SPDX-License-Identifier: BSD-3-Clause */
/* What a killed cloning left; cenv.h has the sweep of a whole store. */
#ifndef CENV_CLONE_SWEEP_H
#define CENV_CLONE_SWEEP_H

#include "base/error.h"

struct cenv_store;

/* Removes what a killed cloning to `path` left beside it (see new_prefix.h), with its entry. */
int cenv_clone_sweep_unfinished(const struct cenv_store *store, const char *path,
                                struct cenv_error *err);

#endif
