/* SPDX-License-Identifier: BSD-3-Clause */
/* The work on one explanation: what explain.c and relax.c share. */
#ifndef CENV_EXPLAIN_EXPLAIN_H
#define CENV_EXPLAIN_EXPLAIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "explain/unsat_core.h"
#include "solve/problem.h"

struct cenv_explainer {
    struct cenv_problem p;
    struct cenv_core core; /* the first conflict */
    struct cenv_arena arena;
    struct cenv_task *task;
    struct cenv_error *err;
    struct cenv_buf conflict, relax, missing; /* items of JSON lists */
    struct cenv_buf tree, hint;               /* lines; words */
};

/*
 * Tries out what helps and tells it in `relax` and `hint`: each item of the core in turn, with the
 * best version of its name that could be had instead; if none of them suffices, a smallest set of
 * items found by keeping all others; and a newer machine, when the core speaks of it. 0 or a status.
 */
int cenv_relax_tell(struct cenv_explainer *e);

#endif
