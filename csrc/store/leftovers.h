/* SPDX-License-Identifier: BSD-3-Clause */
/* What processes that died while they worked leave in a store: lock files that nobody holds. */
#ifndef CENV_STORE_LEFTOVERS_H
#define CENV_STORE_LEFTOVERS_H

#include "store/layout.h"

/* Removes lock files of v1/locks that nobody holds: the last step of a sweep. */
int cenv_leftovers_sweep_locks(const struct cenv_store *store, struct cenv_task *task,
                               struct cenv_error *err);

#endif
