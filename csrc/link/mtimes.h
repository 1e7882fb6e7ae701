/* SPDX-License-Identifier: BSD-3-Clause */
/* Modification times of relocated files, and the bytecode that depends on them. */
#ifndef CENV_LINK_MTIMES_H
#define CENV_LINK_MTIMES_H

#include "link/plan_base.h"
#include "link/stats.h"

/*
 * Decides `new_mtime_ns` of relocated files: fixed, and for a .py in another second than any
 * bytecode shipped for it claims, or Python would go on using that (rattler-build#2147). Bytecode
 * that is never checked against its source cannot be told so: it is taken out of the plan.
 */
int cenv_link_mtimes_decide(struct cenv_link_plan *plan, struct cenv_link_stats *stats,
                            struct cenv_error *err);

#endif
