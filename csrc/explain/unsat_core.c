/* SPDX-License-Identifier: BSD-3-Clause */
/* Minimal cores by deletion: see unsat_core.h. */
#include "explain/unsat_core.h"

#include <stdlib.h>
#include <string.h>

#include "solve/encode.h"

/* A refutation that took this many conflicts has no short explanation: none is looked for. */
static const uint64_t HARD_CONFLICTS = 3000;
/* Minimising requirements stops here; what is left is still a proof, only a longer one. */
static const uint64_t MAX_CONFLICTS = 20000;
enum { MAX_TRIALS = 400 };

struct refuter {
    const struct cenv_instance *in;
    struct cenv_sat *sat;
    bool soft; /* the requirements are assumed too */
    struct cenv_unsat_core *core;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int assume_literal(struct refuter *r, int lit)
{
    return cenv_sat_assume(r->sat, lit) ? 0 : cenv_error_oom(r->err);
}

/* Solves with what the core holds; 1 when that has a solution, 0 when it is refuted. */
static int solve_core(struct refuter *r)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < r->in->nr_goals; i++)
        if (r->core->goals[i])
            rc = assume_literal(r, cenv_encode_goal(r->in, i));
    for (uint32_t q = 0; rc == 0 && r->soft && q < r->in->nr_reqs; q++)
        if (r->core->reqs[q])
            rc = assume_literal(r, cenv_encode_soft(r->in, q));
    if (rc < 0)
        return rc;
    return cenv_sat_solve(r->sat, r->task, r->err);
}

/* Keeps in the core what the refutation used; of minimal goals that is all of them. */
static void keep_used(struct refuter *r)
{
    struct cenv_unsat_core *core = r->core;
    memset(core->goals, 0, r->in->nr_goals * sizeof(*core->goals));
    if (r->soft)
        memset(core->reqs, 0, r->in->nr_reqs * sizeof(*core->reqs));
    for (size_t i = 0; i < cenv_sat_nr_failed(r->sat); i++) {
        uint32_t var = (uint32_t)cenv_sat_failed(r->sat, i);
        if (var >= (uint32_t)cenv_encode_soft(r->in, 0))
            core->reqs[var - (uint32_t)cenv_encode_soft(r->in, 0)] = true;
        else
            core->goals[var - (uint32_t)cenv_encode_goal(r->in, 0)] = true;
    }
}

/* Takes one member away, and back when the rest has a solution. 0 or a status. */
static int try_without(struct refuter *r, bool *member)
{
    if (!*member)
        return 0;
    *member = false;
    int rc = solve_core(r);
    if (rc == 0)
        keep_used(r);
    else if (rc > 0)
        *member = true;
    return rc < 0 ? rc : 0;
}

/* Settings and the machine first, then the user's specs from the last to the first. */
static int minimise_goals(struct refuter *r)
{
    int rc = 0;
    for (uint32_t i = r->in->nr_goals; rc == 0 && i-- > 0;)
        rc = try_without(r, &r->core->goals[i]);
    return rc;
}

/* The used requirements alone often refute with fewer still: cheaper than one trial for each. */
static int shrink_reqs(struct refuter *r)
{
    for (int round = 0; round < 4; round++) {
        int rc = solve_core(r);
        if (rc < 0)
            return rc;
        keep_used(r);
    }
    return 0;
}

static int minimise_reqs(struct refuter *r)
{
    uint64_t start = cenv_sat_stats(r->sat).conflicts;
    int trials = 0;
    int rc = shrink_reqs(r);
    for (uint32_t q = 0; rc == 0 && q < r->in->nr_reqs; q++) {
        if (!r->core->reqs[q])
            continue;
        if (cenv_sat_stats(r->sat).conflicts - start > MAX_CONFLICTS ||
            ++trials > MAX_TRIALS)
            return 0;
        rc = try_without(r, &r->core->reqs[q]);
    }
    r->core->minimal = rc == 0;
    return rc;
}

/* Makes a solver of the instance, r->sat. */
static int new_sat(struct refuter *r, unsigned flags)
{
    r->soft = flags & CENV_ENCODE_SOFT;
    r->sat = cenv_sat_new();
    return r->sat ? cenv_encode_instance(r->in, flags, r->sat, r->err)
                  : cenv_error_oom(r->err);
}

static int refute_core(struct refuter *r)
{
    int rc = solve_core(r);
    if (rc == 0)
        keep_used(r);
    return rc;
}

static uint32_t count_members(const bool *members, uint32_t nr)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < nr; i++)
        sum += members[i];
    return sum;
}

/* Minimises goals on the hard encoding, which is the faster one, and requirements on the soft
 * one. */
static int find_core(struct refuter *r)
{
    int rc = new_sat(r, 0);
    if (rc == 0)
        rc = refute_core(r);
    if (rc != 0)
        return rc < 0 ? rc : 1;
    rc = minimise_goals(r);
    r->core->hard = cenv_sat_stats(r->sat).conflicts > HARD_CONFLICTS;
    cenv_sat_free(r->sat);
    r->sat = NULL;
    if (rc < 0 || r->core->hard)
        return rc;
    rc = new_sat(r, CENV_ENCODE_SOFT);
    if (rc == 0)
        rc = refute_core(r);
    if (rc < 0)
        return rc;
    return minimise_reqs(r);
}

int cenv_unsat_core_find(struct cenv_unsat_core *out, const struct cenv_instance *in,
                         const bool *among, struct cenv_arena *arena,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct refuter r = {.in = in, .core = out, .task = task, .err = err};
    *out = (struct cenv_unsat_core){0};
    out->goals = cenv_arena_alloc(arena, in->nr_goals * sizeof(*out->goals));
    out->reqs = cenv_arena_alloc(arena, in->nr_reqs * sizeof(*out->reqs));
    if (!out->goals || !out->reqs)
        return cenv_error_oom(err);
    for (uint32_t i = 0; i < in->nr_goals; i++)
        out->goals[i] = !among || among[i];
    memset(out->reqs, true, in->nr_reqs * sizeof(*out->reqs));
    int rc = find_core(&r);
    cenv_sat_free(r.sat);
    out->nr_goals = count_members(out->goals, in->nr_goals);
    out->nr_reqs = count_members(out->reqs, in->nr_reqs);
    return rc < 0 ? rc : rc == 0;
}

/* Assumes the goals of `keep`, and up to two literals (0: none) besides. */
static int solve_with(const struct cenv_instance *in, struct cenv_sat *sat,
                      const bool *keep, int extra, int better, struct cenv_task *task,
                      struct cenv_error *err)
{
    bool failed = false;
    for (uint32_t i = 0; i < in->nr_goals; i++)
        if (keep[i])
            failed |= !cenv_sat_assume(sat, cenv_encode_goal(in, i));
    if (extra)
        failed |= !cenv_sat_assume(sat, extra);
    if (better)
        failed |= !cenv_sat_assume(sat, better);
    return failed ? cenv_error_oom(err) : cenv_sat_solve(sat, task, err);
}

int cenv_unsat_core_holds(const struct cenv_instance *in, struct cenv_sat *sat,
                          const bool *keep, struct cenv_task *task,
                          struct cenv_error *err)
{
    return solve_with(in, sat, keep, 0, 0, task, err);
}

static uint32_t place_of(const struct cenv_instance *in, const struct cenv_sat *sat,
                         uint32_t name)
{
    uint32_t place = 0;
    while (place + 1 < cenv_instance_size(in, name) &&
           cenv_sat_value(sat, cenv_encode_worse(in, name, place + 1)))
        place++;
    return place;
}

int cenv_unsat_core_relax(const struct cenv_instance *in, struct cenv_sat *sat,
                          const bool *keep, uint32_t name, uint32_t *place,
                          struct cenv_task *task, struct cenv_error *err)
{
    if (!cenv_instance_size(in, name))
        return 0;
    int installed = cenv_encode_worse(in, name, 0);
    int rc = solve_with(in, sat, keep, installed, 0, task, err);
    if (rc <= 0)
        return rc;
    for (*place = place_of(in, sat, name); rc > 0 && *place > 0;) {
        int better = -cenv_encode_worse(in, name, *place);
        rc = solve_with(in, sat, keep, installed, better, task, err);
        if (rc > 0)
            *place = place_of(in, sat, name);
    }
    return rc < 0 ? rc : 1;
}
