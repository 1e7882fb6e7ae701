/* SPDX-License-Identifier: BSD-3-Clause */
/* A core as a readable tree: who needs what, versions merged, down to where it cannot be. */
#ifndef CENV_OPS_TREE_H
#define CENV_OPS_TREE_H

#include "base/buf.h"
#include "ops/core.h"
#include "ops/problem.h"

enum { CENV_TREE_MAX_LINES = 200 };

/* Appends the lines, each ended by a newline: one root for each item of the core. CENV_ENOMEM. */
int cenv_tree_print(const struct cenv_problem *p, const struct cenv_core *core,
                    struct cenv_buf *out, struct cenv_error *err);

/* Appends "1.0 | 1.1 | 2.0" or, of many, "1.0 .. 2.0 (12 versions)", oldest first: the candidates
 * cands[0 .. nr - 1] of the instance, in its order. */
void cenv_versions_print(const struct cenv_problem *p, const uint32_t *cands,
                         uint32_t nr, struct cenv_buf *out);

/* Appends why no candidate of the requirement's name satisfies it: "no channel has it", ... */
void cenv_tree_print_lack(const struct cenv_problem *p, uint32_t req,
                          struct cenv_buf *out);

/* Appends how the user knows item `i`: "python=3.13", "virtual package __glibc 2.17", ... */
void cenv_asked_print(const struct cenv_problem *p, uint32_t i, struct cenv_buf *out);

#endif
