/* SPDX-License-Identifier: BSD-3-Clause */
/* The best solution of an instance: lexicographic search with batched probes. */
#ifndef CENV_SOLVE_SEARCH_H
#define CENV_SOLVE_SEARCH_H

#include <stdint.h>

#include "base/task.h"
#include "solve/instance.h"
#include "solve/sat.h"

#define CENV_ABSENT UINT32_MAX

/*
 * The lexicographic optimum (solve.md §4.2; design.md §9): the first level is the names of the goals'
 * requirements in the goals' order, each next one the names that the candidates just chosen require,
 * in order of number; deferred names make up a level when no other is left. Within a level each name gets the best place possible given all before it. The
 * answer is unique: it does not depend on how the search went.
 *
 * `sat` holds the encoding of `in`. On success choice[name] is the place, CENV_ABSENT for names that
 * nothing chosen requires, and level[name] (may be NULL) its level. Returns 1; 0 when there is no
 * solution (cenv_sat_failed tells the goals that suffice for it); CENV_ENOMEM, CENV_ECANCELLED.
 */
int cenv_search_best(const struct cenv_instance *in, struct cenv_sat *sat,
                     uint32_t *choice, uint32_t *level, struct cenv_task *task,
                     struct cenv_error *err);

#endif
