/* SPDX-License-Identifier: BSD-3-Clause */
/* What the items of a core imply, choice by choice: which requirements hold in any case, and why. */
#ifndef CENV_OPS_IMPLIED_H
#define CENV_OPS_IMPLIED_H

#include "base/arena.h"
#include "base/map.h"
#include "ops/core.h"

/*
 * by[q] is CENV_NONE while it is open whether requirement q holds, `item` | CENV_IMPLIED_ITEM when an
 * item asks for it, else the name of which every candidate that is left needs it. Derived from the
 * core's items and requirements alone, candidate by candidate, until a name has none left.
 */
enum { CENV_IMPLIED_ITEM = 1u << 31 };

/* Fills by[0 .. nr_reqs - 1], in the arena. CENV_ENOMEM. */
int cenv_implied_find(uint32_t **by, const struct cenv_instance *in,
                      const struct cenv_core *core, struct cenv_arena *arena,
                      struct cenv_error *err);

/* A candidate is hidden by a setting that is in the core. */
bool cenv_core_hides(const struct cenv_instance *in, const struct cenv_core *core,
                     uint32_t cand);

#endif
