/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a package is in a solution as it is. */
#ifndef CENV_EXPLAIN_EXPLAIN_CHOICE_H
#define CENV_EXPLAIN_EXPLAIN_CHOICE_H

#include "solve/solution.h"

/* Appends as text why the package `request->explain` is as it is in the solution. CENV_ESPEC: it
 * is no spec. CENV_ENOMEM, CENV_ECANCELLED. */
int cenv_explain_choice(const struct cenv_problem *p,
                        const struct cenv_solution *solution, struct cenv_buf *out,
                        struct cenv_task *task, struct cenv_error *err);

#endif
