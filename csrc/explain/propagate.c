/* SPDX-License-Identifier: BSD-3-Clause */
/* See propagate.h. */
#include "explain/propagate.h"

#include <string.h>

struct deduction {
    const struct cenv_instance *in;
    const struct cenv_unsat_core *core;
    struct cenv_implied *i;
    bool *reached;    /* by candidate: met by a need of one of the name's candidates */
    uint32_t *needed; /* by name: how many of them need it, */
    uint32_t *last;   /*   and the last one that did */
    bool changed;
};

uint32_t cenv_propagate_exclusion(const struct cenv_instance *in,
                                  const struct cenv_unsat_core *core, uint32_t cand)
{
    for (uint32_t i = 0; in->excluded && in->excluded[cand] && i < in->nr_goals; i++)
        if (core->goals[i] && in->goals[i].kind == CENV_GOAL_EXCLUDE &&
            (in->goals[i].value & in->excluded[cand]))
            return in->goals[i].value;
    return 0;
}

/* A place of the requirement's name that it allows is left. */
static bool is_open(const struct deduction *d, uint32_t q)
{
    const struct cenv_req *req = &d->in->reqs[q];
    const struct cenv_run *runs = d->in->runs + req->first_run;
    for (uint32_t i = 0; i < req->nr_runs; i++)
        for (uint32_t p = runs[i].from; p < runs[i].to; p++)
            if (!d->i->out[d->in->first[req->name] + p])
                return true;
    return req->limit && !d->i->installed[req->name];
}

static void rule_out(struct deduction *d, uint32_t cand)
{
    d->changed |= !d->i->out[cand];
    d->i->out[cand] = true;
}

static void install_name(struct deduction *d, uint32_t name, uint32_t via)
{
    if (d->i->installed[name])
        return;
    d->i->installed[name] = d->changed = true;
    d->i->via[name] = via;
}

/* The requirement holds from now on. */
static void impose_req(struct deduction *d, uint32_t q, uint32_t by)
{
    const struct cenv_req *req = &d->in->reqs[q];
    if (d->i->by[q] != CENV_NONE)
        return;
    d->i->by[q] = by;
    d->changed = true;
    if (!req->limit)
        install_name(d, req->name, by & CENV_IMPLIED_GOAL ? CENV_NONE : by);
    for (uint32_t p = 0; p < cenv_instance_size(d->in, req->name); p++)
        if (!cenv_instance_allows(d->in, req, p))
            rule_out(d, d->in->first[req->name] + p);
}

static bool has_edge(const struct deduction *d, uint32_t cand, uint32_t q)
{
    for (uint32_t k = d->in->edge_first[cand]; k < d->in->edge_first[cand + 1]; k++)
        if (d->in->edges[k] == q)
            return true;
    return false;
}

/* Rules out the name's candidates that need what cannot be. */
static void sift_candidates(struct deduction *d, uint32_t name)
{
    const struct cenv_instance *in = d->in;
    for (uint32_t c = in->first[name]; c < in->first[name + 1]; c++)
        for (uint32_t k = in->edge_first[c]; !d->i->out[c] && k < in->edge_first[c + 1];
             k++)
            if (d->core->reqs[in->edges[k]] && !is_open(d, in->edges[k]))
                rule_out(d, c);
}

/* Imposes what all candidates left of the name need; when none is left, there is no more to
 * derive. */
static void impose_common(struct deduction *d, uint32_t name)
{
    const struct cenv_instance *in = d->in;
    uint32_t left = in->first[name];
    while (left < in->first[name + 1] && d->i->out[left])
        left++;
    d->i->empty |= left == in->first[name + 1];
    for (uint32_t k = in->edge_first[left];
         !d->i->empty && k < in->edge_first[left + 1]; k++) {
        bool all = d->core->reqs[in->edges[k]];
        for (uint32_t c = left; all && c < in->first[name + 1]; c++)
            all = d->i->out[c] || has_edge(d, c, in->edges[k]);
        if (all)
            impose_req(d, in->edges[k], name);
    }
}

/* Marks what the candidate's needs reach. */
static void mark_reached(struct deduction *d, uint32_t cand)
{
    const struct cenv_instance *in = d->in;
    for (uint32_t k = in->edge_first[cand]; k < in->edge_first[cand + 1]; k++) {
        const struct cenv_req *req = &in->reqs[in->edges[k]];
        const struct cenv_run *runs = in->runs + req->first_run;
        if (!d->core->reqs[in->edges[k]] || req->limit)
            continue;
        if (d->last[req->name] != cand) {
            d->last[req->name] = cand;
            d->needed[req->name]++;
        }
        for (uint32_t i = 0; i < req->nr_runs; i++)
            for (uint32_t p = runs[i].from; p < runs[i].to; p++)
                d->reached[in->first[req->name] + p] = true;
    }
}

/* What all candidates left need in one way or another is installed, in one of those ways. */
static void impose_union(struct deduction *d, uint32_t name)
{
    const struct cenv_instance *in = d->in;
    uint32_t left = 0;
    memset(d->reached, 0, in->nr_cands * sizeof(*d->reached));
    memset(d->needed, 0, in->nr_names * sizeof(*d->needed));
    memset(d->last, 0xff, in->nr_names * sizeof(*d->last));
    for (uint32_t c = in->first[name]; c < in->first[name + 1]; c++) {
        if (d->i->out[c])
            continue;
        left++;
        mark_reached(d, c);
    }
    for (uint32_t n = 0; n < in->nr_names; n++) {
        if (!left || d->needed[n] != left)
            continue;
        install_name(d, n, name);
        for (uint32_t c = in->first[n]; c < in->first[n + 1]; c++) {
            if (d->reached[c])
                continue;
            if (d->i->none[c] == CENV_NONE)
                d->i->none[c] = name;
            rule_out(d, c);
        }
    }
}

/* Imposes before and after sifting, for a need that cannot be met is still one that holds. */
static void deduce_from(struct deduction *d, uint32_t name)
{
    impose_common(d, name);
    if (d->i->empty)
        return;
    impose_union(d, name);
    sift_candidates(d, name);
    impose_common(d, name);
    if (!d->i->empty)
        impose_union(d, name);
}

static void begin_deduction(struct deduction *d, const bool *goals)
{
    const struct cenv_instance *in = d->in;
    for (uint32_t c = 0; c < in->nr_cands; c++)
        d->i->out[c] = cenv_propagate_exclusion(in, d->core, c);
    for (uint32_t i = 0; i < in->nr_goals; i++)
        if (goals[i] && in->goals[i].kind == CENV_GOAL_REQ)
            impose_req(d, in->goals[i].value, i | CENV_IMPLIED_GOAL);
}

int cenv_propagate_goals(struct cenv_implied *out, const struct cenv_instance *in,
                         const struct cenv_unsat_core *core, const bool *goals,
                         struct cenv_arena *arena, struct cenv_error *err)
{
    struct deduction d = {.in = in, .core = core, .i = out};
    *out = (struct cenv_implied){0};
    out->by = cenv_arena_calloc(arena, in->nr_reqs, sizeof(*out->by));
    out->via = cenv_arena_calloc(arena, in->nr_names, sizeof(*out->via));
    out->out = cenv_arena_calloc(arena, in->nr_cands, sizeof(*out->out));
    out->none = cenv_arena_calloc(arena, in->nr_cands, sizeof(*out->none));
    out->installed = cenv_arena_calloc(arena, in->nr_names, sizeof(*out->installed));
    d.reached = cenv_arena_calloc(arena, in->nr_cands, sizeof(*d.reached));
    d.needed = cenv_arena_calloc(arena, in->nr_names, sizeof(*d.needed));
    d.last = cenv_arena_calloc(arena, in->nr_names, sizeof(*d.last));
    if (!out->by || !out->via || !out->out || !out->none || !out->installed ||
        !d.reached || !d.needed || !d.last)
        return cenv_error_oom(err);
    memset(out->by, 0xff, in->nr_reqs * sizeof(*out->by));
    memset(out->none, 0xff, in->nr_cands * sizeof(*out->none));
    memset(out->via, 0xff, in->nr_names * sizeof(*out->via));
    begin_deduction(&d, goals ? goals : core->goals);
    while (d.changed && !out->empty) {
        d.changed = false;
        for (uint32_t n = 0; n < in->nr_names && !out->empty; n++)
            if (out->installed[n])
                deduce_from(&d, n);
    }
    return 0;
}
