/* SPDX-License-Identifier: BSD-3-Clause */
/* How entries of the store come and go: whole, by one rename. */
#ifndef CENV_STORE_PUBLISH_H
#define CENV_STORE_PUBLISH_H

#include "store/layout.h"

/* All that was written so far survives a power cut: one syncfs, before publishing. */
int cenv_publish_sync(const struct cenv_store *store, struct cenv_error *err);

/*
 * Puts `name` in the place of `entry`, and what was there (if anything) where `name` was, in one
 * step where the file system can. 0 or -errno.
 */
int cenv_publish_exchange(int from, const char *name, int to, const char *entry);

/* Moves `name` out of the way (into v1/tmp) in one step and removes it; absent is fine. */
int cenv_publish_withdraw(const struct cenv_store *store, int dirfd, const char *name,
                          struct cenv_error *err);

#endif
