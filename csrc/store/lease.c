/* SPDX-License-Identifier: BSD-3-Clause */
/* Leases: shared locks on one file of the store, against the exclusive one of gc. */
#include "store/lease.h"

#include "base/alloc.h"
#include "os/lock.h"

struct cenv_lease {
    struct cenv_lock *lock;
};

int cenv_lease_take(struct cenv_store *store, struct cenv_lease **out,
                    struct cenv_error *err)
{
    struct cenv_task task;
    struct cenv_lease *lease = cenv_calloc(1, sizeof(*lease));
    if (!lease)
        return cenv_error_oom(err);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_lock_take(&lease->lock, store->root, "lease", CENV_LOCK_SHARED, NULL,
                            &task, err);
    cenv_task_release(&task);
    /* Where we may not even make the file, nobody has made it: neither has gc. */
    rc = cenv_layout_forgive_read_only(rc, err);
    if (rc == 0)
        *out = lease;
    else
        cenv_free(lease);
    return rc;
}

void cenv_lease_free(struct cenv_lease *lease)
{
    if (lease)
        cenv_lock_free(lease->lock);
    cenv_free(lease);
}

int cenv_lease_descriptor(const struct cenv_lease *lease)
{
    return lease->lock ? cenv_lock_descriptor(lease->lock) : -1;
}

int cenv_lease_try_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                             struct cenv_error *err)
{
    return cenv_lock_try(lock, store->root, "lease", CENV_LOCK_EXCLUSIVE, NULL, err);
}

int cenv_lease_take_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                              struct cenv_error *err)
{
    int rc = cenv_lease_try_exclusive(store, lock, err);
    if (rc != 1)
        return rc;
    cenv_error_set(err, CENV_EFAIL, "the store is in use by another run");
    return cenv_error_hint(err, "try again when it is over");
}
