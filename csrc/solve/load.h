/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading what a request can reach, and the whole way from there to the instance. */
#ifndef CENV_SOLVE_LOAD_H
#define CENV_SOLVE_LOAD_H

#include "solve/problem.h"

/*
 * Builds the problem of a request: whatever its specs can reach, with candidates in order, and
 * the instance. The trace calls that the stage `reduce`, for it reduces the index to what can
 * matter. `flags`: enum cenv_problem_flags, 0 for a solve. The caller releases *out, also after a
 * failure; index and request must outlive it. Statuses as cenv_index_want and
 * cenv_repodata_records; CENV_ESPEC: the condition of a spec asked for is malformed.
 */
int cenv_load_problem(struct cenv_problem *out, const struct cenv_index *index,
                      const struct cenv_request *request, unsigned flags,
                      struct cenv_task *task, struct cenv_error *err);

#endif
