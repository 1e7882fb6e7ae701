/* SPDX-License-Identifier: BSD-3-Clause */
/* How entries of the store come and go: whole, by one rename. */
#ifndef CENV_STORE_PUBLISH_H
#define CENV_STORE_PUBLISH_H

#include "store/layout.h"

/* Before publishing: all that was written so far survives a power cut. Interruptible. */
int cenv_publish_sync(const struct cenv_store *store, struct cenv_task *task,
                      struct cenv_error *err);

/*
 * Puts `name` of `from` in the place of `entry` of `to`. What is there already stays, and so does
 * ours where it is; with `replace` the two change places, in one step where the file system can.
 */
int cenv_publish_entry(int from, const char *name, int to, const char *entry,
                       bool replace, struct cenv_error *err);

/*
 * Moves `name` out of the way (into v1/tmp) in one step and removes it; absent is fine. It is gone
 * then: when `task` is cancelled meanwhile, a sweep removes the rest. Without a task that is what
 * cannot be removed at once.
 */
int cenv_publish_withdraw(const struct cenv_store *store, int dirfd, const char *name,
                          struct cenv_task *task, struct cenv_error *err);

#endif
