/* SPDX-License-Identifier: BSD-3-Clause */
/* Features of old channels: what the packages asked for track decides among other packages. */
#ifndef CENV_SOLVE_FEATURE_H
#define CENV_SOLVE_FEATURE_H

#include "solve/problem.h"

/*
 * Sets `tracked` of each candidate whose record has `features`; specs must be matched. A feature is
 * tracked when every candidate that matches a spec asked for has it among its track_features, and
 * ruled out when other candidates of that name have it and none of these. conda's classic solver
 * makes a feature a dependency on a package that tracks it. 1 when it set any: then the order of
 * candidates is another, and they must be ordered and matched again. 0, or a status: out of memory,
 * or a record that cannot be read.
 */
int cenv_feature_judge(struct cenv_problem *p, struct cenv_error *err);

#endif
