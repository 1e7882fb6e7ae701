/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks of a store: files in v1/locks, which name their holder. */
#include "store/store_lock.h"
#include "os/lock.h"
#include "os/owner.h"

enum { HOLDER_MAX = 4096 };

/* Appends who holds it, for those that wait; 0 or a status. */
static int describe_holder(struct cenv_buf *out, struct cenv_error *err)
{
    cenv_buf_init(out, HOLDER_MAX);
    return cenv_owner_text(out) ? 0 : cenv_error_oom(err);
}

int cenv_store_lock_take(const struct cenv_store *store, const char *key,
                         struct cenv_lock **lock, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_buf holder;
    *lock = NULL;
    int rc = describe_holder(&holder, err);
    if (rc == 0)
        rc = cenv_lock_take(lock, store->dirs[CENV_STORE_LOCKS], key,
                            CENV_LOCK_EXCLUSIVE, holder.data, task, err);
    cenv_buf_release(&holder);
    return cenv_layout_hint_place(rc, err);
}

int cenv_store_lock_try(const struct cenv_store *store, const char *key,
                        struct cenv_lock **lock, struct cenv_error *err)
{
    struct cenv_buf holder;
    *lock = NULL;
    int rc = describe_holder(&holder, err);
    if (rc == 0)
        rc = cenv_lock_try(lock, store->dirs[CENV_STORE_LOCKS], key,
                           CENV_LOCK_EXCLUSIVE, holder.data, err);
    cenv_buf_release(&holder);
    return rc;
}

void cenv_store_lock_release(const struct cenv_store *store, const char *key,
                             struct cenv_lock *lock)
{
    cenv_lock_free_remove(lock, store->dirs[CENV_STORE_LOCKS], key);
}
