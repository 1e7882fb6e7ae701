/* SPDX-License-Identifier: BSD-3-Clause */
/* The work on one explanation of a refuted request: what the files of this room share. */
#ifndef CENV_EXPLAIN_EXPLAINER_H
#define CENV_EXPLAIN_EXPLAINER_H

#include "base/arena.h"
#include "base/buf.h"
#include "explain/unsat_core.h"
#include "solve/problem.h"

struct cenv_explainer {
    struct cenv_problem p;
    struct cenv_unsat_core core; /* the first conflict */
    struct cenv_arena arena;
    struct cenv_task *task;
    struct cenv_error *err;
    struct cenv_buf conflict, relax, missing; /* goals of JSON lists */
    struct cenv_buf tree, hint;               /* lines; words */
};

#endif
