/* SPDX-License-Identifier: BSD-3-Clause */
/* An instance as clauses. */
#ifndef CENV_SOLVE_ENCODE_H
#define CENV_SOLVE_ENCODE_H

#include <stdint.h>

#include "base/error.h"
#include "solve/instance.h"
#include "solve/sat.h"

/*
 * The order encoding. Every candidate has a variable, true when its name is installed at its
 * place or a worse one; so that of the best candidate says "installed". Every requirement has a
 * gate, which implies that it holds, and every goal a variable that a solve assumes. With
 * CENV_ENCODE_SOFT every requirement has one more variable, and binds the candidates that have it
 * only while that is assumed.
 */
enum cenv_encode_flags { CENV_ENCODE_SOFT = 1 << 0 };

/* Adds all clauses to `sat`, which must be new. CENV_ENOMEM; CENV_EFAIL: it is too large. */
int cenv_encode_instance(const struct cenv_instance *in, unsigned flags,
                         struct cenv_sat *sat, struct cenv_error *err);

/* The same, and counts[name] grows by the clauses that are about a name: its axis, requirements on
 * it, what its candidates need. */
int cenv_encode_counted(const struct cenv_instance *in, unsigned flags,
                        struct cenv_sat *sat, uint32_t *counts, struct cenv_error *err);

/* The variable "installed at `place` of `name` or worse"; `place` is one of the name's. */
static inline int cenv_encode_worse(const struct cenv_instance *in, uint32_t name,
                                    uint32_t place)
{
    return (int)(in->first[name] + place + 1);
}

static inline int cenv_encode_gate(const struct cenv_instance *in, uint32_t req)
{
    return (int)(in->nr_cands + req + 1);
}

static inline int cenv_encode_goal(const struct cenv_instance *in, uint32_t goal)
{
    return (int)(in->nr_cands + in->nr_reqs + goal + 1);
}

/* Soft encoding only. */
static inline int cenv_encode_soft(const struct cenv_instance *in, uint32_t req)
{
    return (int)(in->nr_cands + in->nr_reqs + in->nr_goals + req + 1);
}

#endif
