/* SPDX-License-Identifier: BSD-3-Clause */
/* An instance as clauses. */
#ifndef CENV_SOLVE_ENCODE_H
#define CENV_SOLVE_ENCODE_H

#include <stdint.h>

#include "base/error.h"
#include "solve/instance.h"
#include "solve/sat.h"

/*
 * Order encoding: of every candidate one variable, true when its name is installed at its place or a
 * worse one (so that of the best candidate says "installed"). Of every requirement one gate, which
 * implies that it holds; of every goal one variable to be assumed. With CENV_ENCODE_SOFT a
 * requirement binds the candidates that have it only while its variable is assumed.
 */
enum cenv_encode_flags { CENV_ENCODE_SOFT = 1 << 0 };

/* Adds everything to `sat`, which must be new. CENV_ENOMEM. */
int cenv_encode_instance(const struct cenv_instance *in, unsigned flags,
                         struct cenv_sat *sat, struct cenv_error *err);

/* "Installed at `place` of `name` or worse", place < size of the name. */
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
