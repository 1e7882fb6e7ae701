/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of each name's candidates, best first. */
#ifndef CENV_SOLVE_ORDER_H
#define CENV_SOLVE_ORDER_H

#include "solve/problem.h"

/* Ranks versions, sorts candidates by what their records say, and drops those that are listed
 * twice. False: out of memory. */
bool cenv_order_names(struct cenv_problem *p);

/*
 * Sorts candidates that tie in that order by what their dependencies allow; specs must be
 * matched. before[c] becomes the place that candidate c had when they were. False: out of memory.
 */
bool cenv_order_ties(struct cenv_problem *p, uint32_t *before);

#endif
