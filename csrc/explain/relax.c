/* SPDX-License-Identifier: BSD-3-Clause */
/* What to relax of an unsatisfiable request: see relax.h. */
#include "explain/relax.h"

#include <string.h>

#include "explain/wording.h"
#include "model/version.h"
#include "solve/encode.h"
#include "solve/load.h"

enum { MAX_WAYS = 6 };

/* The goals asked of a solve at a time, and the hard encoding they are asked of. */
struct relaxer {
    struct cenv_explainer *e;
    struct cenv_sat *sat;
    bool *keep;
    struct cenv_way **last; /* where the next way goes */
    uint32_t nr_ways;
};

/* A way behind those there are, with room for goals; NULL when out of memory. */
static struct cenv_way *add_way(struct relaxer *r, uint32_t nr_goals)
{
    struct cenv_arena *arena = &r->e->arena;
    struct cenv_way *way = cenv_arena_calloc(arena, 1, sizeof(*way));
    if (way)
        way->goals = cenv_arena_calloc(arena, nr_goals, sizeof(*way->goals));
    if (!way || !way->goals) {
        cenv_error_oom(r->e->err);
        return NULL;
    }
    *r->last = way;
    r->last = &way->next;
    r->nr_ways++;
    return way;
}

static int add_goal_way(struct relaxer *r, uint32_t goal, uint32_t cand)
{
    struct cenv_way *way = add_way(r, 1);
    if (!way)
        return r->e->err->status;
    way->goals[way->nr_goals++] = goal;
    if (cand != CENV_NONE)
        way->works = r->e->p.cands[cand].record;
    return 0;
}

/* Without all goals that are not kept. */
static int add_dropped_way(struct relaxer *r)
{
    uint32_t nr = r->e->p.in.nr_goals;
    struct cenv_way *way = add_way(r, nr);
    if (!way)
        return r->e->err->status;
    for (uint32_t i = 0; i < nr; i++)
        if (!r->keep[i])
            way->goals[way->nr_goals++] = i;
    return 0;
}

/* ---- one goal ---- */

/* Of what is made up for a condition, or names no package, there is no other version. */
static bool names_package(const struct cenv_problem *p, const struct cenv_root *root)
{
    if (root->kind != CENV_ROOT_ENTRY)
        return false;
    enum cenv_name_kind kind = p->names[p->specs[root->spec].name].kind;
    return kind == CENV_NAME_PACKAGE || kind == CENV_NAME_EXTRA;
}

/* Adds a way if all else can be had without the goal, with the best that there is instead of
 * it. */
static int try_goal(struct relaxer *r, uint32_t goal)
{
    struct cenv_explainer *e = r->e;
    const struct cenv_root *root = &e->p.roots[goal];
    uint32_t place, cand = CENV_NONE;
    r->keep[goal] = false;
    int rc = cenv_unsat_core_holds(&e->p.in, r->sat, r->keep, e->task, e->err);
    bool helps = rc > 0;
    if (helps && names_package(&e->p, root) && !e->core.hard) {
        uint32_t name = e->p.specs[root->spec].name;
        rc = cenv_unsat_core_relax(&e->p.in, r->sat, r->keep, name, &place, e->task,
                                   e->err);
        if (rc > 0)
            cand = e->p.in.first[name] + place;
    }
    r->keep[goal] = true;
    if (rc < 0)
        return rc;
    return helps ? add_goal_way(r, goal, cand) : 0;
}

static bool is_same_entry(const struct cenv_explainer *e, uint32_t a, uint32_t b)
{
    return e->p.roots[a].entry && e->p.roots[a].entry == e->p.roots[b].entry;
}

/* A goal of the core that is the user's to change, and that nothing before speaks for. */
static bool is_own(const struct cenv_explainer *e, uint32_t goal)
{
    if (!e->core.goals[goal] || e->p.roots[goal].kind == CENV_ROOT_VIRTUAL)
        return false;
    for (uint32_t i = 0; i < goal; i++)
        if (e->core.goals[i] && is_same_entry(e, i, goal))
            return false;
    return true;
}

static int try_goals(struct relaxer *r)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < r->e->p.in.nr_goals; i++)
        if (is_own(r->e, i) && r->nr_ways < MAX_WAYS)
            rc = try_goal(r, i);
    return rc;
}

/* ---- several goals ---- */

/* Keeps the goal if that goes with all that are kept. */
static int try_keeping(struct relaxer *r, uint32_t goal)
{
    struct cenv_explainer *e = r->e;
    r->keep[goal] = true;
    int rc = cenv_unsat_core_holds(&e->p.in, r->sat, r->keep, e->task, e->err);
    r->keep[goal] = rc != 0;
    return rc < 0 ? rc : 0;
}

/* Keeps the machine, then as much as can be of what the first conflict is not about, then of what
 * it is about. */
static int drop_several(struct relaxer *r)
{
    const struct cenv_instance *in = &r->e->p.in;
    int rc = 0;
    for (uint32_t i = 0; i < in->nr_goals; i++)
        r->keep[i] = r->e->p.roots[i].kind == CENV_ROOT_VIRTUAL;
    for (int core = 0; core < 2; core++)
        for (uint32_t i = 0; rc == 0 && i < in->nr_goals; i++)
            if (!r->keep[i] && r->e->core.goals[i] == (core == 1))
                rc = try_keeping(r, i);
    if (rc == 0)
        rc = add_dropped_way(r);
    memset(r->keep, true, in->nr_goals * sizeof(*r->keep));
    return rc;
}

/* ---- the machine ---- */

static bool is_overridable(struct cenv_str name)
{
    return cenv_str_is(name, "__glibc") || cenv_str_is(name, "__cuda") ||
           cenv_str_is(name, "__osx");
}

/* The newest version of the virtual package that requirements speak of, of the core or all. */
static struct cenv_record *wanted_machine(struct cenv_explainer *e, uint32_t name,
                                          bool of_core)
{
    struct cenv_record *found = cenv_arena_calloc(&e->arena, 1, sizeof(*found));
    struct cenv_version *best = cenv_arena_calloc(&e->arena, 2, sizeof(*best));
    struct cenv_str text;
    if (!found || !best)
        return NULL;
    for (uint32_t q = 0; q < e->p.in.nr_reqs; q++) {
        if (e->p.in.reqs[q].name != name || (of_core && !e->core.reqs[q]) ||
            !cenv_wording_req_version(&e->p, q, &text, &best[1], &e->arena) ||
            (found->parsed && cenv_version_cmp(&best[1], &best[0]) <= 0))
            continue;
        best[0] = best[1];
        found->parsed = &best[0];
        found->version = text;
    }
    found->name = e->p.names[name].text;
    found->build = CENV_STR("0");
    return found;
}

/* The request on another machine: 1 when it has a solution. */
static int solve_on(struct cenv_explainer *e, const struct cenv_record *machine)
{
    struct cenv_request request = *e->p.request;
    struct cenv_problem p;
    struct cenv_sat *sat = cenv_sat_new();
    struct cenv_record *all =
        cenv_arena_calloc(&e->arena, request.nr_virtuals + 1, sizeof(*all));
    bool *keep = NULL;
    if (!all || !sat) {
        cenv_sat_free(sat);
        return cenv_error_oom(e->err);
    }
    size_t nr = 0;
    for (size_t i = 0; i < request.nr_virtuals; i++)
        if (!cenv_str_eq(request.virtuals[i].name, machine->name))
            all[nr++] = request.virtuals[i];
    all[nr++] = *machine;
    request.virtuals = all;
    request.nr_virtuals = nr;
    int rc = cenv_load_problem(&p, e->p.index, &request, 0, e->task, e->err);
    if (rc == 0)
        rc = cenv_encode_instance(&p.in, 0, sat, e->err);
    if (rc == 0)
        keep = cenv_arena_alloc(&e->arena, p.in.nr_goals * sizeof(*keep));
    if (keep) {
        memset(keep, true, p.in.nr_goals * sizeof(*keep));
        rc = cenv_unsat_core_holds(&p.in, sat, keep, e->task, e->err);
    }
    cenv_problem_release(&p);
    cenv_sat_free(sat);
    return rc == 0 && !keep ? cenv_error_oom(e->err) : rc;
}

static int try_machine(struct relaxer *r, uint32_t name)
{
    struct cenv_explainer *e = r->e;
    struct cenv_record *machine = wanted_machine(e, name, true);
    if (machine && !machine->parsed)
        machine = wanted_machine(e, name, false);
    if (!machine)
        return cenv_error_oom(e->err);
    int rc = machine->parsed ? solve_on(e, machine) : 0;
    if (rc <= 0)
        return rc;
    struct cenv_way *way = add_way(r, 0);
    if (!way)
        return e->err->status;
    way->machine = machine;
    return 0;
}

/* Tries each virtual package of the core once. */
static int try_machines(struct relaxer *r)
{
    const struct cenv_explainer *e = r->e;
    uint32_t last = CENV_NONE;
    int rc = 0;
    for (uint32_t q = 0; rc == 0 && q < e->p.in.nr_reqs; q++) {
        uint32_t name = e->p.in.reqs[q].name;
        if (!e->core.reqs[q] || name == last || !is_overridable(e->p.names[name].text))
            continue;
        last = name;
        rc = try_machine(r, name);
    }
    return rc;
}

int cenv_relax_find(struct cenv_explainer *e)
{
    const struct cenv_instance *in = &e->p.in;
    struct relaxer r = {.e = e, .sat = cenv_sat_new(), .last = &e->ways};
    r.keep = cenv_arena_alloc(&e->arena, in->nr_goals * sizeof(*r.keep));
    int rc = r.sat && r.keep ? cenv_encode_instance(in, 0, r.sat, e->err)
                             : cenv_error_oom(e->err);
    if (rc == 0) {
        memset(r.keep, true, in->nr_goals * sizeof(*r.keep));
        rc = try_goals(&r);
    }
    if (rc == 0 && !r.nr_ways)
        rc = drop_several(&r);
    if (rc == 0)
        rc = try_machines(&r);
    cenv_sat_free(r.sat);
    return rc;
}
