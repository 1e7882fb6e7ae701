/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a clone is still what its source gave it, by the facts of its files: nothing is read. */
#ifndef CENV_CLONE_UNALTERED_H
#define CENV_CLONE_UNALTERED_H

#include "clone/clone_source.h"
#include "store/clone_registry.h"

/*
 * Compares the clone in the directory `root`, of the entry `clone` whose time is `since_ns`, with
 * the manifest of `source`, which must be as it was too: 1 when nothing was changed, added or
 * removed in either since the cloning; 0 when something was, or may have been; or a status.
 */
int cenv_unaltered_check(const struct cenv_clone_entry *clone, int root,
                         int64_t since_ns, const struct cenv_clone_source *source,
                         struct cenv_task *task, struct cenv_error *err);

#endif
