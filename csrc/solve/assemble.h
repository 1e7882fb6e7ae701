/* SPDX-License-Identifier: BSD-3-Clause */
/* From names, candidates and matched specs to the instance of integers. */
#ifndef CENV_SOLVE_ASSEMBLE_H
#define CENV_SOLVE_ASSEMBLE_H

#include "solve/problem.h"

/*
 * Makes p->in, and sorts names and candidates so that one number serves problem and instance.
 * `before` is what cenv_order_ties gave. False: out of memory.
 */
bool cenv_assemble_instance(struct cenv_problem *p, const uint32_t *before);

#endif
