/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dropping candidates: see dominate.h.
 *
 * A requirement that has place d but not a better place c has a run that begins between them and
 * ends behind d. So walking from d to better places, the furthest end of the runs begun on the
 * way tells how long to go on: mostly not far, and a few comparisons find nearly all that can be
 * dropped (builds that differ in nothing anybody asks for, versions nobody tells apart).
 */
#include "solve/dominate.h"

#include <string.h>

#include "solve/search.h"

enum { MAX_TRIES = 6, DROPPED = 0, KEPT = 1 };

struct dropper {
    const struct cenv_instance *in;
    struct cenv_undominated *out;
    uint32_t *ends; /* by candidate: the furthest end of runs that begin at its place */
    uint32_t *stamp; /* by requirement: the last candidate + 1 seen to have it */
    uint32_t *rank;  /* by candidate, and one more: how many are kept before it */
    uint32_t *req;   /* by requirement: its new number, or UINT32_MAX */
    uint8_t *kept;   /* by candidate */
};

static void find_ends(struct dropper *r)
{
    for (uint32_t q = 0; q < r->in->nr_reqs; q++) {
        const struct cenv_req *req = &r->in->reqs[q];
        uint32_t *ends = r->ends + r->in->first[req->name];
        for (uint32_t i = 0; i < req->nr_runs; i++) {
            struct cenv_run run = r->in->runs[req->first_run + i];
            if (run.to > ends[run.from])
                ends[run.from] = run.to;
        }
    }
}

/* All that candidate `c` needs is stamped as what `d` needs. */
static bool needs_no_more(const struct dropper *r, uint32_t c, uint32_t d)
{
    const struct cenv_instance *in = r->in;
    for (uint32_t i = in->edge_first[c]; i < in->edge_first[c + 1]; i++)
        if (r->stamp[in->edges[i]] != d + 1)
            return false;
    return true;
}

static bool is_dominated(const struct dropper *r, uint32_t d, uint32_t first)
{
    uint32_t furthest = 0;
    int tries = 0;
    for (uint32_t c = d; c-- > first && tries < MAX_TRIES;) {
        if (r->ends[c + 1] > furthest)
            furthest = r->ends[c + 1];
        if (furthest > d - first)
            return false;
        if (r->kept[c] == DROPPED ||
            (r->in->excluded && r->in->excluded[c] != r->in->excluded[d]))
            continue;
        tries++;
        if (needs_no_more(r, c, d))
            return true;
    }
    return false;
}

static void choose_kept(struct dropper *r)
{
    const struct cenv_instance *in = r->in;
    for (uint32_t n = 0; n < in->nr_names; n++)
        for (uint32_t d = in->first[n]; d < in->first[n + 1]; d++) {
            for (uint32_t i = in->edge_first[d]; i < in->edge_first[d + 1]; i++)
                r->stamp[in->edges[i]] = d + 1;
            r->kept[d] = is_dominated(r, d, in->first[n]) ? DROPPED : KEPT;
            r->rank[d + 1] = r->rank[d] + r->kept[d];
        }
}

/* Numbers the requirements that are left; returns how many. */
static uint32_t number_reqs(struct dropper *r)
{
    const struct cenv_instance *in = r->in;
    uint32_t nr = 0;
    memset(r->req, 0, in->nr_reqs * sizeof(*r->req));
    for (uint32_t c = 0; c < in->nr_cands; c++)
        for (uint32_t i = in->edge_first[c]; r->kept[c] && i < in->edge_first[c + 1];
             i++)
            r->req[in->edges[i]] = 1;
    for (uint32_t i = 0; i < in->nr_goals; i++)
        if (in->goals[i].kind == CENV_GOAL_REQ)
            r->req[in->goals[i].value] = 1;
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        r->req[q] = r->req[q] ? nr++ : UINT32_MAX;
    return nr;
}

static void copy_candidates(struct dropper *r)
{
    const struct cenv_instance *in = r->in;
    struct cenv_instance *to = &r->out->in;
    uint32_t nr = 0, edges = 0;
    for (uint32_t n = 0; n <= in->nr_names; n++)
        to->first[n] = r->rank[in->first[n]];
    for (uint32_t c = 0; c < in->nr_cands; c++) {
        if (r->kept[c] == DROPPED)
            continue;
        to->name_of[nr] = in->name_of[c];
        if (in->excluded)
            to->excluded[nr] = in->excluded[c];
        r->out->whole[nr] = c;
        to->edge_first[nr++] = edges;
        for (uint32_t i = in->edge_first[c]; i < in->edge_first[c + 1]; i++)
            to->edges[edges++] = r->req[in->edges[i]];
    }
    to->edge_first[nr] = edges;
}

/* A requirement's runs on the places that are left; those that touch now are one. */
static void copy_req(struct dropper *r, uint32_t q, uint32_t *nr_runs)
{
    const struct cenv_req *req = &r->in->reqs[q];
    struct cenv_instance *to = &r->out->in;
    const uint32_t *rank = r->rank + r->in->first[req->name];
    struct cenv_req *own = &to->reqs[r->req[q]];
    *own = (struct cenv_req){req->name, *nr_runs, 0, req->limit};
    for (uint32_t i = 0; i < req->nr_runs; i++) {
        struct cenv_run run = r->in->runs[req->first_run + i];
        uint32_t from = rank[run.from] - rank[0], end = rank[run.to] - rank[0];
        if (from == end)
            continue;
        if (own->nr_runs && to->runs[*nr_runs - 1].to == from) {
            to->runs[*nr_runs - 1].to = end;
            continue;
        }
        to->runs[(*nr_runs)++] = (struct cenv_run){from, end};
        own->nr_runs++;
    }
}

static void copy_reqs_and_goals(struct dropper *r)
{
    uint32_t nr_runs = 0;
    for (uint32_t q = 0; q < r->in->nr_reqs; q++)
        if (r->req[q] != UINT32_MAX)
            copy_req(r, q, &nr_runs);
    for (uint32_t i = 0; i < r->in->nr_goals; i++) {
        struct cenv_goal *goal = &r->out->in.goals[i];
        *goal = r->in->goals[i];
        if (goal->kind == CENV_GOAL_REQ)
            goal->value = r->req[goal->value];
    }
}

static bool allocate_arrays(struct dropper *r)
{
    const struct cenv_instance *in = r->in;
    struct cenv_instance *to = &r->out->in;
    struct cenv_arena *arena = &r->out->arena;
    size_t nr = in->nr_cands, nr_runs = 0;
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        nr_runs += in->reqs[q].nr_runs;
    *to = (struct cenv_instance){
        .nr_names = in->nr_names, .nr_goals = in->nr_goals, .deferred = in->deferred};
    r->ends = cenv_arena_calloc(arena, nr, sizeof(*r->ends));
    r->stamp = cenv_arena_calloc(arena, in->nr_reqs, sizeof(*r->stamp));
    r->rank = cenv_arena_calloc(arena, nr + 1, sizeof(*r->rank));
    r->req = cenv_arena_calloc(arena, in->nr_reqs, sizeof(*r->req));
    r->kept = cenv_arena_calloc(arena, nr, sizeof(*r->kept));
    r->out->whole = cenv_arena_calloc(arena, nr, sizeof(*r->out->whole));
    to->first = cenv_arena_calloc(arena, (size_t)in->nr_names + 1, sizeof(*to->first));
    to->name_of = cenv_arena_calloc(arena, nr, sizeof(*to->name_of));
    to->excluded =
        in->excluded ? cenv_arena_calloc(arena, nr, sizeof(*to->excluded)) : NULL;
    to->edge_first = cenv_arena_calloc(arena, nr + 1, sizeof(*to->edge_first));
    to->edges = cenv_arena_calloc(arena, in->edge_first[nr], sizeof(*to->edges));
    to->reqs = cenv_arena_calloc(arena, in->nr_reqs, sizeof(*to->reqs));
    to->runs = cenv_arena_calloc(arena, nr_runs, sizeof(*to->runs));
    to->goals = cenv_arena_calloc(arena, in->nr_goals, sizeof(*to->goals));
    return r->ends && r->stamp && r->rank && r->req && r->kept && r->out->whole &&
           to->first && to->name_of && (to->excluded || !in->excluded) &&
           to->edge_first && to->edges && to->reqs && to->runs && to->goals;
}

int cenv_dominate_drop(struct cenv_undominated *out, const struct cenv_instance *whole,
                       struct cenv_error *err)
{
    struct dropper r = {.in = whole, .out = out};
    *out = (struct cenv_undominated){.arena = CENV_ARENA_INIT};
    if (!allocate_arrays(&r))
        return cenv_error_oom(err);
    find_ends(&r);
    choose_kept(&r);
    out->in.nr_cands = r.rank[whole->nr_cands];
    out->in.nr_reqs = number_reqs(&r);
    copy_candidates(&r);
    copy_reqs_and_goals(&r);
    return 0;
}

void cenv_dominate_release(struct cenv_undominated *r)
{
    cenv_arena_release(&r->arena);
}

void cenv_dominate_expand(const struct cenv_undominated *r,
                          const struct cenv_instance *whole, uint32_t *choice)
{
    for (uint32_t n = 0; n < whole->nr_names; n++)
        if (choice[n] != CENV_ABSENT)
            choice[n] = r->whole[r->in.first[n] + choice[n]] - whole->first[n];
}
