/* SPDX-License-Identifier: BSD-3-Clause */
/* The best solution of an instance: layered descent with batched probes. */
#ifndef CENV_SOLVE_SEARCH_H
#define CENV_SOLVE_SEARCH_H

#include <stdint.h>

#include "base/task.h"
#include "solve/instance.h"
#include "solve/sat.h"

#define CENV_ABSENT UINT32_MAX

/*
 * The layered optimum (solve.md §4.2; design.md §9): the first layer is the names of the items'
 * requirements in the items' order, each next one the names that the candidates just chosen require,
 * in order of number; deferred names make up a layer when no other is left. Within a layer each name gets the best place possible given all before it. The
 * answer is unique: it does not depend on how the search went.
 *
 * `sat` holds the encoding of `in`. On success choice[name] is the place, CENV_ABSENT for names that
 * nothing chosen requires, and layer[name] (may be NULL) its layer. Returns 1; 0 when there is no
 * solution (cenv_sat_failed tells the items that suffice for it); CENV_ENOMEM, CENV_ECANCELLED.
 */
int cenv_descend(const struct cenv_instance *in, struct cenv_sat *sat, uint32_t *choice,
                 uint32_t *layer, struct cenv_task *task, struct cenv_error *err);

#endif
