/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths that are a file in one package and a directory in another. */
#ifndef CENV_LINK_PLAN_NESTING_H
#define CENV_LINK_PLAN_NESTING_H

#include "link/plan_base.h"
#include "link/stats.h"

/* Marks `old` as replaced by `now`, which has its place for something else. */
void cenv_link_plan_cover(struct cenv_link_plan *plan, uint32_t old, uint32_t now);

/*
 * Settles them as conda does: in link order a file takes the place of a directory with all that is
 * in it, and a directory that of a file. What is replaced so is covered, with a warning for each
 * such path. All entries have been added, none is placed yet. Links are not files here: what lies
 * below one goes where it leads.
 */
int cenv_link_plan_settle_nesting(struct cenv_link_plan *plan,
                                  struct cenv_link_stats *stats, struct cenv_task *task,
                                  struct cenv_error *err);

#endif
