/* SPDX-License-Identifier: BSD-3-Clause */
/* The error that a refuted request becomes. */
#ifndef CENV_EXPLAIN_REPORT_H
#define CENV_EXPLAIN_REPORT_H

#include "explain/explainer.h"

/* Sets CENV_EUNSAT with message, hint and detail (cenv.h) and returns it, or CENV_ENOMEM. */
int cenv_report_set_error(struct cenv_explainer *e);

#endif
