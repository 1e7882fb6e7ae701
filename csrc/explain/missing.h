/* SPDX-License-Identifier: BSD-3-Clause */
/* Names asked for that no channel has: mistakes, not conflicts. */
#ifndef CENV_EXPLAIN_MISSING_H
#define CENV_EXPLAIN_MISSING_H

#include "explain/explainer.h"

/* Fills e->missing, and adds what is missing to the text and to the conflict. 0, or
 * CENV_ENOMEM. */
int cenv_missing_find(struct cenv_explainer *e);

#endif
