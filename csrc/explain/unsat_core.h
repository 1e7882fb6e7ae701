/* SPDX-License-Identifier: BSD-3-Clause */
/* Why an instance has no solution: a minimal set of its goals, and of the requirements between
 * them. */
#ifndef CENV_EXPLAIN_UNSAT_CORE_H
#define CENV_EXPLAIN_UNSAT_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/task.h"
#include "solve/instance.h"
#include "solve/sat.h"

/*
 * The goals are minimal: without any one of them there is a solution. So are the requirements,
 * those that candidates have, when `minimal`; not when the refutation is `hard`, a long search
 * with no short reason: they are then not looked for.
 */
struct cenv_unsat_core {
    bool *goals; /* by goal */
    bool *reqs;  /* by requirement */
    uint32_t nr_goals, nr_reqs;
    bool minimal, hard;
};

/*
 * Refutes the goals of `in` (with `among` those only) and minimises: first the goals, dropping
 * later ones rather than earlier ones, then the requirements, as long as that is cheap. Returns
 * 1; 0 when there is a solution; CENV_ENOMEM, CENV_ECANCELLED. Arrays are in the arena.
 */
int cenv_unsat_core_find(struct cenv_unsat_core *out, const struct cenv_instance *in,
                         const bool *among, struct cenv_arena *arena,
                         struct cenv_task *task, struct cenv_error *err);

/*
 * The best place of `name` in a solution of the goals of `keep`, in which the name is installed:
 * 1 and *place, or 0 when there is none, or a status. `sat` holds the hard encoding of `in`; it
 * can be used again.
 */
int cenv_unsat_core_relax(const struct cenv_instance *in, struct cenv_sat *sat,
                          const bool *keep, uint32_t name, uint32_t *place,
                          struct cenv_task *task, struct cenv_error *err);

/* The goals of `keep` have a solution: 1, 0 or a status. */
int cenv_unsat_core_holds(const struct cenv_instance *in, struct cenv_sat *sat,
                          const bool *keep, struct cenv_task *task,
                          struct cenv_error *err);

#endif
