/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing everything that a manifest describes into a directory. */
#ifndef CENV_CLONE_CLONE_TREE_H
#define CENV_CLONE_CLONE_TREE_H

#include "clone/cloner.h"

/*
 * Places the prepared clone, or its common part, all but its root's mode, on at most `threads`
 * threads. `result` (may be NULL) is told also of a failure, after which what was placed stays: the
 * directory is the caller's.
 */
int cenv_clone_tree_place(const struct cenv_prepared_clone *prepared,
                          const struct cenv_clone_target *target, unsigned threads,
                          struct cenv_clone_result *result, struct cenv_task *task,
                          struct cenv_error *err);

#endif
