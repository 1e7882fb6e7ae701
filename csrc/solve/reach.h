/* SPDX-License-Identifier: BSD-3-Clause */
/* How the names of a problem are reached: through what first, and whose alone they are. */
#ifndef CENV_SOLVE_REACH_H
#define CENV_SOLVE_REACH_H

#include "solve/problem.h"

/* The names that several entries of the request reach. */
#define CENV_REACH_SHARED (UINT32_MAX - 1)

/* By name, CENV_NONE for those that nothing reaches. One block, which `spec` starts. */
struct cenv_reach {
    uint32_t *spec; /* that named it first, breadth first from the request */
    uint32_t *from; /* the name whose candidate has that spec; CENV_NONE: the request */
    uint32_t *sole; /* the only entry that reaches it, or CENV_REACH_SHARED */
};

/* Fills a zeroed *out for a problem whose instance is built. False: out of memory. The caller
 * releases *out in any case. */
bool cenv_reach_find(struct cenv_reach *out, const struct cenv_problem *p);
void cenv_reach_release(struct cenv_reach *reach);

#endif
