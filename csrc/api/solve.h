/* SPDX-License-Identifier: BSD-3-Clause */
/* A solution in terms of the problem, and the explanation of a failure. */
#ifndef CENV_API_SOLVE_H
#define CENV_API_SOLVE_H

#include "base/buf.h"
#include "solve/problem.h"
#include "solve/search.h"

/* choice[] and layer[] by name, as cenv_descend gives them. */
struct cenv_solution {
    uint32_t *choice, *layer;
    struct cenv_sat_stats stats;
};

/*
 * Appends the records of a solution as a JSON array in link order. Virtual packages are left out.
 * CENV_ENOMEM; CENV_EINTEGRITY when a record's JSON is malformed.
 */
int cenv_solution_records(const struct cenv_problem *p, const uint32_t *choice,
                          struct cenv_buf *out, struct cenv_error *err);

/*
 * Why the request has no solution: sets CENV_EUNSAT with message, hint and detail (cenv.h), having
 * checked each claim by a solve, and returns it. CENV_ENOMEM, CENV_ECANCELLED.
 */
int cenv_explain_unsat(const struct cenv_index *index,
                       const struct cenv_request *request, struct cenv_task *task,
                       struct cenv_error *err);

/* Why the package `request->explain` is as it is in the solution, as text. */
int cenv_explain_choice(const struct cenv_problem *p,
                        const struct cenv_solution *solution, struct cenv_buf *out,
                        struct cenv_task *task, struct cenv_error *err);

#endif
