/* SPDX-License-Identifier: BSD-3-Clause */
/* An unsat core as a readable tree: what needs what, versions merged, down to where it cannot
 * be. */
#ifndef CENV_EXPLAIN_CONFLICT_TREE_H
#define CENV_EXPLAIN_CONFLICT_TREE_H

#include "base/buf.h"
#include "explain/unsat_core.h"
#include "solve/problem.h"

/* No tree is longer; what is left out is counted. */
enum { CENV_CONFLICT_TREE_MAX_LINES = 24 };

/* Appends the lines, *nr_lines of them, each ended by a newline: one root for each goal of the
 * core. CENV_ENOMEM. */
int cenv_conflict_tree_print(const struct cenv_problem *p,
                             const struct cenv_unsat_core *core, struct cenv_buf *out,
                             uint32_t *nr_lines, struct cenv_error *err);

#endif
