/* SPDX-License-Identifier: BSD-3-Clause */
/* What goals of a core imply, step by step: which requirements hold in any case, what is left. */
#ifndef CENV_EXPLAIN_PROPAGATE_H
#define CENV_EXPLAIN_PROPAGATE_H

#include "base/arena.h"
#include "base/map.h"
#include "explain/unsat_core.h"

/*
 * by[q] is CENV_NONE while it is open whether requirement q holds, `goal` | CENV_IMPLIED_GOAL when an
 * goal asks for it, else the name of which every candidate that is left needs it. via[name] is the
 * name whose candidates left all need it, CENV_NONE when a goal asks for it or it is not installed.
 * Derived from the core's requirements alone, until a name has no candidate left (`empty`).
 */
enum { CENV_IMPLIED_GOAL = 1u << 31 };

struct cenv_implied {
    uint32_t *by;  /* by requirement */
    uint32_t *via; /* by name */
    bool *out;     /* by candidate: ruled out */
    uint32_t
        *none; /* by candidate: the name of which no candidate left needs this one, or
                        CENV_NONE: it is not for such a name that this is out */
    bool *installed; /* by name: in any case */
    bool empty;
};

/* What the goals of `goals` (of the core when NULL) imply; arrays in the arena. CENV_ENOMEM. */
int cenv_propagate_goals(struct cenv_implied *out, const struct cenv_instance *in,
                         const struct cenv_unsat_core *core, const bool *goals,
                         struct cenv_arena *arena, struct cenv_error *err);

/* The reason of the setting of the core that excludes the candidate, or 0. */
uint32_t cenv_propagate_exclusion(const struct cenv_instance *in,
                                  const struct cenv_unsat_core *core, uint32_t cand);

#endif
