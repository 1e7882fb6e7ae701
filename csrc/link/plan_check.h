/* SPDX-License-Identifier: BSD-3-Clause */
/* What only the whole plan can tell: whether it fits its prefix and its file system. */
#ifndef CENV_LINK_PLAN_CHECK_H
#define CENV_LINK_PLAN_CHECK_H

#include "link/plan_base.h"

/* CENV_ELINK when two paths differ only in (ASCII) case: for file systems that cannot tell. */
int cenv_link_plan_check_case(const struct cenv_link_plan *plan,
                              struct cenv_error *err);

/*
 * CENV_EPREFIX when the target prefix does not fit into a file that has room for its placeholder
 * only; the message names file and package, the hint the length that would fit.
 */
int cenv_link_plan_check_lengths(const struct cenv_link_plan *plan,
                                 struct cenv_task *task, struct cenv_error *err);

#endif
