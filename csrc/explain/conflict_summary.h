/* SPDX-License-Identifier: BSD-3-Clause */
/* Where two sides of a conflict meet: one package that each leads to in other versions. */
#ifndef CENV_EXPLAIN_CONFLICT_SUMMARY_H
#define CENV_EXPLAIN_CONFLICT_SUMMARY_H

#include "base/buf.h"
#include "explain/unsat_core.h"
#include "solve/problem.h"

/*
 * Looks for an entry of the core that by itself leads to versions of some package that the rest
 * of the core cannot go with, and appends two lines that say so, each ended by a newline. 1; 0
 * when there is no such package; CENV_ENOMEM.
 */
int cenv_conflict_summary_print(const struct cenv_problem *p,
                                const struct cenv_unsat_core *core,
                                struct cenv_buf *out, struct cenv_error *err);

#endif
