/* SPDX-License-Identifier: BSD-3-Clause */
/* What the goals of an unsat core force, step by step: which requirements hold in any case, what
 * is left. */
#ifndef CENV_EXPLAIN_PROPAGATE_H
#define CENV_EXPLAIN_PROPAGATE_H

#include "base/arena.h"
#include "base/map.h"
#include "explain/unsat_core.h"

/*
 * Derived from the requirements of the core alone, until nothing more follows or a name has no
 * candidate left (`empty`). Arrays are in the caller's arena.
 */
enum { CENV_IMPLIED_GOAL = 1u << 31 };

struct cenv_implied {
    /* By requirement: `goal` | CENV_IMPLIED_GOAL when a goal asks for it, else the name of which
     * every candidate left needs it; CENV_NONE: it is open whether it holds. */
    uint32_t *by;
    /* By name: the name of which all candidates left need it; CENV_NONE when a goal asks for it,
     * or when it is open whether it is installed. */
    uint32_t *via;
    bool *out; /* by candidate: it is ruled out */
    /* By candidate: the name of which no candidate left needs this one; CENV_NONE: it is not for
     * such a name that it is out. */
    uint32_t *none;
    bool *installed; /* by name: in any case */
    bool empty;
};

/* What the goals of `goals` (of the core when NULL) imply; arrays in the arena. CENV_ENOMEM. */
int cenv_propagate_goals(struct cenv_implied *out, const struct cenv_instance *in,
                         const struct cenv_unsat_core *core, const bool *goals,
                         struct cenv_arena *arena, struct cenv_error *err);

/* Why a setting of the core excludes the candidate (enum cenv_exclusion), or 0. */
uint32_t cenv_propagate_exclusion(const struct cenv_instance *in,
                                  const struct cenv_unsat_core *core, uint32_t cand);

#endif
