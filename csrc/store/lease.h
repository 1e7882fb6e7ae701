/* SPDX-License-Identifier: BSD-3-Clause */
/* The lease that gc takes; cenv.h has the leases that it waits for. */
#ifndef CENV_STORE_LEASE_H
#define CENV_STORE_LEASE_H

#include "os/lock.h"
#include "store/layout.h"

/*
 * The lease of those that remove what others may use. take fails, with what to do, while somebody
 * holds a lease; try returns 1 then. Free with cenv_lock_free.
 */
int cenv_lease_take_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                              struct cenv_error *err);
int cenv_lease_try_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                             struct cenv_error *err);

#endif
