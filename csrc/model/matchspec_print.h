/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a MatchSpec. */
#ifndef CENV_MODEL_MATCHSPEC_PRINT_H
#define CENV_MODEL_MATCHSPEC_PRINT_H

#include "base/buf.h"
#include "model/matchspec.h"

/*
 * Appends the canonical string (CEP 29, appendix A), which parses to the same spec again: equal
 * specs print alike, but for versions in different words ("1.0", "1.0.0").
 */
void cenv_matchspec_print(const struct cenv_matchspec *spec, struct cenv_buf *out);

#endif
