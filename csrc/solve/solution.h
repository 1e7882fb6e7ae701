/* SPDX-License-Identifier: BSD-3-Clause */
/* A solution in terms of the problem. */
#ifndef CENV_SOLVE_SOLUTION_H
#define CENV_SOLVE_SOLUTION_H

#include "base/buf.h"
#include "solve/problem.h"
#include "solve/search.h"

/* choice[] and level[] by name, as cenv_search_best gives them. */
struct cenv_solution {
    uint32_t *choice, *level;
    struct cenv_sat_stats stats;
};

/*
 * Appends the records of a solution as a JSON array in link order. Virtual packages are left out.
 * CENV_ENOMEM; CENV_EINTEGRITY when a record's JSON is malformed.
 */
int cenv_solution_write_records(const struct cenv_problem *p, const uint32_t *choice,
                                struct cenv_buf *out, struct cenv_error *err);

#endif
