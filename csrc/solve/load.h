/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading what a request can reach, and the whole way from there to the instance. */
#ifndef CENV_SOLVE_LOAD_H
#define CENV_SOLVE_LOAD_H

#include "solve/problem.h"

/*
 * Builds the problem: what is reachable from the request's specs, by names, in candidate order. With
 * `explaining` excluded candidates are kept as such, behind all others, and requirements of one meaning
 * are kept apart. The caller releases *out, also after a failure; index and request must outlive it.
 * Statuses as cenv_index_want, cenv_repodata_records and cenv_request_parse.
 */
int cenv_load_problem(struct cenv_problem *out, const struct cenv_index *index,
                      const struct cenv_request *request, bool explaining,
                      struct cenv_task *task, struct cenv_error *err);

#endif
