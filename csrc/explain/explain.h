/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a request has no solution. */
#ifndef CENV_EXPLAIN_EXPLAIN_H
#define CENV_EXPLAIN_EXPLAIN_H

#include "base/task.h"
#include "repodata/index.h"
#include "solve/request.h"

/*
 * Sets CENV_EUNSAT with message, hint and detail (cenv.h), having checked each claim by a solve,
 * and returns it. CENV_ENOMEM, CENV_ECANCELLED.
 */
int cenv_explain_unsat(const struct cenv_index *index,
                       const struct cenv_request *request, struct cenv_task *task,
                       struct cenv_error *err);

#endif
