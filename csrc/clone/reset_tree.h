/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting a clone that is files of its own back to what its source is. */
#ifndef CENV_CLONE_RESET_TREE_H
#define CENV_CLONE_RESET_TREE_H

#include "clone/report.h"
#include "store/clone_registry.h"

/*
 * Removes, restores and counts what is not as a new clone's, in time proportional to what is to be
 * looked at; then `store` knows since when it is so. `placing`: how the clone was made.
 * CENV_EPREFIX: a file was altered through a hard link, so the source is damaged. Interrupted, it
 * leaves a clone to be reset again.
 */
int cenv_reset_tree(const struct cenv_clone_entry *clone, struct cenv_store *store,
                    enum cenv_place_mode placing, struct cenv_reset_counts *counts,
                    struct cenv_task *task, struct cenv_error *err);

#endif
