/* SPDX-License-Identifier: BSD-3-Clause */
/* The best solution of an instance: lexicographic search with batched probes. */
#ifndef CENV_SOLVE_SEARCH_H
#define CENV_SOLVE_SEARCH_H

#include <stdint.h>

#include "base/task.h"
#include "solve/instance.h"
#include "solve/sat.h"

/* The place of a name that is not installed. */
#define CENV_ABSENT UINT32_MAX

/*
 * The lexicographic optimum (docs/design/solve.md 3.2). Names are decided level by level: the
 * first level is the names of the goals' requirements in the order of the goals, each next one
 * the names that the candidates just chosen require, in order of number; deferred names make up a
 * level when no other is left. Within a level each name gets the best place that is possible
 * given all before it. The answer is unique: it does not depend on how the search went.
 *
 * `sat` holds the encoding of `in`. Returns 1, and then choice[name] is the place, CENV_ABSENT of
 * a name that nothing chosen requires, and level[name] (`level` may be NULL) the level that
 * decided it; calls[name] (or NULL) grows by each solve that was made to decide on the name, the
 * first of several that one solve was for. 0 when there is no solution (cenv_sat_failed gives goals
 * that suffice for it); CENV_ENOMEM, CENV_ECANCELLED.
 */
int cenv_search_best(const struct cenv_instance *in, struct cenv_sat *sat,
                     uint32_t *choice, uint32_t *level, uint32_t *calls,
                     struct cenv_task *task, struct cenv_error *err);

#endif
