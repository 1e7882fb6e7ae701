/* SPDX-License-Identifier: BSD-3-Clause */
/* A solution in terms of the problem. */
#ifndef CENV_SOLVE_SOLUTION_H
#define CENV_SOLVE_SOLUTION_H

#include "codec/json_writer.h"
#include "solve/problem.h"
#include "solve/search.h"

/* choice[] and level[] by name, as cenv_search_best gives them. */
struct cenv_solution {
    uint32_t *choice, *level;
    struct cenv_sat_stats stats;
};

/*
 * Writes the member "records": those of a solution in link order, each as its channel has it and
 * with where it is from. Virtual packages are left out. CENV_ENOMEM; CENV_EINTEGRITY when a
 * record's JSON is malformed or its file has changed.
 */
int cenv_solution_write_records(const struct cenv_problem *p, const uint32_t *choice,
                                struct cenv_json_writer *w, struct cenv_error *err);

#endif
