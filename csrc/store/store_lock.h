/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks of a store, by name. */
#ifndef CENV_STORE_STORE_LOCK_H
#define CENV_STORE_STORE_LOCK_H

#include "os/lock.h"
#include "store/layout.h"

/*
 * One holder at a time of the lock `key` (a file name: "pkg-<sha256>", "template-<id>"); the lock
 * dies with its holder. take waits, polling `task`; try returns 1 and NULL when it is held. Where
 * two are held at once, the second is had by try only, or builders wait for each other.
 */
int cenv_store_lock_take(const struct cenv_store *store, const char *key,
                         struct cenv_lock **lock, struct cenv_task *task,
                         struct cenv_error *err);
int cenv_store_lock_try(const struct cenv_store *store, const char *key,
                        struct cenv_lock **lock, struct cenv_error *err);
void cenv_store_lock_release(const struct cenv_store *store, const char *key,
                             struct cenv_lock *lock);

#endif
