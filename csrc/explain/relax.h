/* SPDX-License-Identifier: BSD-3-Clause */
/* What helps a refuted request. */
#ifndef CENV_EXPLAIN_RELAX_H
#define CENV_EXPLAIN_RELAX_H

#include "explain/explainer.h"

/*
 * Tries out what helps and lists it in e->ways: to drop each goal of the core in turn, with the
 * best of its name that could be had instead; if none of them suffices, a smallest set of goals
 * found by keeping all others; and a newer machine, when the core speaks of it. 0 or a status.
 */
int cenv_relax_find(struct cenv_explainer *e);

#endif
