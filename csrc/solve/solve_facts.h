/* SPDX-License-Identifier: BSD-3-Clause */
/* What a solve worked on, for the trace. */
#ifndef CENV_SOLVE_SOLVE_FACTS_H
#define CENV_SOLVE_SOLVE_FACTS_H

#include "solve/problem.h"
#include "solve/sat.h"

/* The work of the SAT solver by name: variables of its candidates and of requirements on it,
 * clauses about it, solves to decide on it. One block, which variables starts. */
struct cenv_solve_effort {
    uint32_t *variables, *clauses, *calls;
};

/* All zero, for `nr` names. False: out of memory. The caller releases it. */
bool cenv_solve_facts_begin(struct cenv_solve_effort *effort, size_t nr);
void cenv_solve_facts_release(struct cenv_solve_effort *effort);

/* Counts the variables of an instance of the problem's names. */
void cenv_solve_facts_count(struct cenv_solve_effort *effort,
                            const struct cenv_instance *in);

/* Adds the facts of the solve to the task: sources, names, requested specs, solver. Without memory
 * there are fewer. */
void cenv_solve_facts_add(const struct cenv_problem *p,
                          const struct cenv_solve_effort *effort,
                          const struct cenv_sat_stats *stats, struct cenv_task *task);

#endif
