/* SPDX-License-Identifier: BSD-3-Clause */
/* What each spec of a problem matches. */
#ifndef CENV_SOLVE_MATCH_H
#define CENV_SOLVE_MATCH_H

#include "solve/problem.h"

/*
 * Sets `bits` and `best` of every spec. The names are ordered (order.h), their ties are not: `bits`
 * are by the places of that order. CENV_ENOMEM, CENV_ECANCELLED, or as cenv_problem_complete.
 */
int cenv_match_specs(struct cenv_problem *p, struct cenv_error *err);

#endif
