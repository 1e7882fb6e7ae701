/* SPDX-License-Identifier: BSD-3-Clause */
/* The lease that gc takes; cenv.h has the leases that it waits for. */
#ifndef CENV_STORE_LEASE_H
#define CENV_STORE_LEASE_H

#include "os/lock.h"
#include "store/layout.h"

/* The lease of gc: 1 when somebody holds one. Free with cenv_lock_free. */
int cenv_lease_try_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                             struct cenv_error *err);

#endif
