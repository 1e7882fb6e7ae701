/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks of a store: files in v1/locks. */
#include "store/store_lock.h"

#include "os/lock.h"
#include "os/proc.h"

/* A file system that refuses to write still lets us read: building needs no lock we cannot have. */
static int lock_in(const struct cenv_store *store, const char *key, bool wait,
                   struct cenv_lock **lock, struct cenv_task *task,
                   struct cenv_error *err)
{
    struct cenv_buf text;
    int locks = store->dirs[CENV_STORE_LOCKS];
    *lock = NULL;
    cenv_buf_init(&text, 4096);
    int rc = cenv_owner_text(&text) < 0 ? cenv_error_oom(err) : 0;
    if (rc == 0 && wait)
        rc =
            cenv_lock_take(lock, locks, key, CENV_LOCK_EXCLUSIVE, text.data, task, err);
    else if (rc == 0)
        rc = cenv_lock_try(lock, locks, key, CENV_LOCK_EXCLUSIVE, text.data, err);
    cenv_buf_release(&text);
    return rc;
}

int cenv_store_lock_take(const struct cenv_store *store, const char *key,
                         struct cenv_lock **lock, struct cenv_task *task,
                         struct cenv_error *err)
{
    return lock_in(store, key, true, lock, task, err);
}

int cenv_store_lock_try(const struct cenv_store *store, const char *key,
                        struct cenv_lock **lock, struct cenv_error *err)
{
    return lock_in(store, key, false, lock, NULL, err);
}

void cenv_store_lock_release(const struct cenv_store *store, const char *key,
                             struct cenv_lock *lock)
{
    cenv_lock_free_remove(lock, store->dirs[CENV_STORE_LOCKS], key);
}

int cenv_store_lock_holder(const struct cenv_store *store, const char *key,
                           struct cenv_buf *out)
{
    return cenv_lock_holder(store->dirs[CENV_STORE_LOCKS], key, out);
}
