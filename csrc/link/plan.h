/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the plan of a link: what is wrong with it shows before anything is written. */
#ifndef CENV_LINK_PLAN_H
#define CENV_LINK_PLAN_H

#include "link/plan_base.h"
#include "link/stats.h"

/*
 * Reads the packages and plans them into one directory. Nothing is written. CENV_ELINK: a path that
 * leaves the prefix, noarch python without python.
 * CENV_EPREFIX: the target prefix does not fit a binary; the message names file and both lengths.
 * Warnings (clobbered paths, links out of the prefix) go to `stats`.
 */
int cenv_link_plan_make(struct cenv_link_plan **out,
                        const struct cenv_link_package *packages, size_t nr,
                        const struct cenv_link_options *options,
                        struct cenv_link_stats *stats, struct cenv_task *task,
                        struct cenv_error *err);

#endif
