/* SPDX-License-Identifier: BSD-3-Clause */
/* What each spec of a problem matches. */
#ifndef CENV_SOLVE_MATCH_H
#define CENV_SOLVE_MATCH_H

#include "solve/problem.h"

/*
 * Sets `bits` and `best` of every spec. Names must be ordered (order.h) and their ties not:
 * `bits` are by the places of that order. CENV_ECANCELLED, or a status as cenv_problem_complete.
 */
int cenv_match_specs(struct cenv_problem *p, struct cenv_error *err);

/* The candidate matches all that the spec says; a multichannel stands for its members. */
bool cenv_match_candidate(const struct cenv_problem *p,
                          const struct cenv_matchspec *parsed,
                          const struct cenv_candidate *cand);

#endif
