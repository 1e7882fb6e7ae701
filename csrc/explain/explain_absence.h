/* SPDX-License-Identifier: BSD-3-Clause */
/* Why versions of a package cannot be had: those that settings exclude, those of a refuted
 * request. */
#ifndef CENV_EXPLAIN_EXPLAIN_ABSENCE_H
#define CENV_EXPLAIN_EXPLAIN_ABSENCE_H

#include "explain/explainer.h"

/*
 * Of a request that was solved: appends which candidates that match `spec` are excluded and by
 * what, or which versions there are when none matches. 0 or a status.
 */
int cenv_explain_absence_excluded(const struct cenv_problem *p,
                                  const struct cenv_matchspec *spec,
                                  struct cenv_buf *out, struct cenv_task *task,
                                  struct cenv_error *err);

/*
 * Of a request that was refuted: appends to e->text what stands in the way of each version of the
 * package `explain` of the request, beside the conflict itself. 0 or a status.
 */
int cenv_explain_absence_refused(struct cenv_explainer *e);

#endif
