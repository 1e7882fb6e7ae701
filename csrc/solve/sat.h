/* SPDX-License-Identifier: BSD-3-Clause */
/* An incremental SAT solver with the verbs of IPASIR. It is MiniSat, which no other file sees. */
#ifndef CENV_SOLVE_SAT_H
#define CENV_SOLVE_SAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/error.h"

struct cenv_task; /* base/task.h, whose atomics are not C++ */

/*
 * Variables are 1, 2, ... in order of creation; a literal is a variable or its negative. One
 * solver belongs to one thread. Given the same calls it gives the same answers on every machine.
 * After a function has reported a failure (out of memory, cancelled) only cenv_sat_free is
 * allowed.
 */
struct cenv_sat;

struct cenv_sat_stats {
    uint64_t variables, clauses, solves, conflicts, decisions, propagations;
};

/* NULL when out of memory. Free with cenv_sat_free (NULL is fine). */
struct cenv_sat *cenv_sat_new(void);
void cenv_sat_free(struct cenv_sat *sat);

/* Makes variables until there are `nr`, all tried false first. False: out of memory. */
bool cenv_sat_reserve(struct cenv_sat *sat, uint32_t nr);

/* Adds the clause lits[0] or lits[1] or ...; nr 0 is the empty clause. False: out of memory. */
bool cenv_sat_add(struct cenv_sat *sat, const int *lits, size_t nr);

/* Sets which value the search tries first, before and after phases were saved. */
void cenv_sat_phase(struct cenv_sat *sat, int var, bool value);

/* Sets how early the search decides on `var`: larger is earlier. It starts at 0 and fades with
 * conflicts. */
void cenv_sat_activity(struct cenv_sat *sat, int var, double activity);

/* Assumes `lit` in the next solve only. False: out of memory. */
bool cenv_sat_assume(struct cenv_sat *sat, int lit);

/*
 * 1: satisfiable, cenv_sat_value holds; 0: not under these assumptions, cenv_sat_failed tells
 * which; negative: CENV_ENOMEM or CENV_ECANCELLED, the task having been polled between slices of
 * search.
 */
int cenv_sat_solve(struct cenv_sat *sat, struct cenv_task *task,
                   struct cenv_error *err);

/* The value of `lit` in the model of the last solve. */
bool cenv_sat_value(const struct cenv_sat *sat, int lit);

/* The assumptions that refuted the last solve: sufficient, not minimal, in no particular
 * order. */
size_t cenv_sat_nr_failed(const struct cenv_sat *sat);
int cenv_sat_failed(const struct cenv_sat *sat, size_t i);

/* 1 or -1 when `lit` is known to be true or false whatever is assumed, else 0. */
int cenv_sat_fixed(const struct cenv_sat *sat, int lit);

struct cenv_sat_stats cenv_sat_stats(const struct cenv_sat *sat);

#ifdef __cplusplus
}
#endif

#endif
