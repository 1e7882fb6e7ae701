/* SPDX-License-Identifier: BSD-3-Clause */
/* See implied.h. */
#include "ops/implied.h"

#include <string.h>

struct deduction {
    const struct cenv_instance *in;
    const struct cenv_core *core;
    uint32_t *by;
    bool *out;       /* by candidate: ruled out */
    bool *installed; /* by name */
    bool empty;      /* a name that is installed has no candidate left */
    bool changed;
};

bool cenv_core_hides(const struct cenv_instance *in, const struct cenv_core *core,
                     uint32_t cand)
{
    for (uint32_t i = 0; in->hidden && in->hidden[cand] && i < in->nr_items; i++)
        if (core->items[i] && in->items[i].kind == CENV_ITEM_HIDE &&
            in->items[i].value == in->hidden[cand])
            return true;
    return false;
}

/* A place of the requirement's name that it allows is left. */
static bool is_open(const struct deduction *d, uint32_t q)
{
    const struct cenv_req *req = &d->in->reqs[q];
    const struct cenv_run *runs = d->in->runs + req->first_run;
    for (uint32_t i = 0; i < req->nr_runs; i++)
        for (uint32_t p = runs[i].from; p < runs[i].to; p++)
            if (!d->out[d->in->first[req->name] + p])
                return true;
    return req->limit && !d->installed[req->name];
}

static void rule_out(struct deduction *d, uint32_t cand)
{
    d->changed |= !d->out[cand];
    d->out[cand] = true;
}

/* The requirement holds from now on. */
static void impose(struct deduction *d, uint32_t q, uint32_t by)
{
    const struct cenv_req *req = &d->in->reqs[q];
    if (d->by[q] != CENV_NONE)
        return;
    d->by[q] = by;
    d->changed = true;
    d->installed[req->name] |= !req->limit;
    for (uint32_t p = 0; p < cenv_instance_size(d->in, req->name); p++)
        if (!cenv_req_has(d->in, req, p))
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
static void sift(struct deduction *d, uint32_t name)
{
    const struct cenv_instance *in = d->in;
    for (uint32_t c = in->first[name]; c < in->first[name + 1]; c++)
        for (uint32_t k = in->edge_first[c]; !d->out[c] && k < in->edge_first[c + 1];
             k++)
            if (d->core->reqs[in->edges[k]] && !is_open(d, in->edges[k]))
                rule_out(d, c);
}

/* Imposes what all candidates of the name need that are left; none left ends it all. */
static void impose_common(struct deduction *d, uint32_t name)
{
    const struct cenv_instance *in = d->in;
    uint32_t left = in->first[name];
    while (left < in->first[name + 1] && d->out[left])
        left++;
    d->empty |= left == in->first[name + 1];
    for (uint32_t k = in->edge_first[left]; !d->empty && k < in->edge_first[left + 1];
         k++) {
        bool all = d->core->reqs[in->edges[k]];
        for (uint32_t c = left; all && c < in->first[name + 1]; c++)
            all = d->out[c] || has_edge(d, c, in->edges[k]);
        if (all)
            impose(d, in->edges[k], name);
    }
}

/* Both before and after sifting: a need that cannot be met is still one that holds. */
static void deduce(struct deduction *d, uint32_t name)
{
    impose_common(d, name);
    if (d->empty)
        return;
    sift(d, name);
    impose_common(d, name);
}

static void start(struct deduction *d)
{
    const struct cenv_instance *in = d->in;
    for (uint32_t c = 0; c < in->nr_cands; c++)
        d->out[c] = cenv_core_hides(in, d->core, c);
    for (uint32_t i = 0; i < in->nr_items; i++)
        if (d->core->items[i] && in->items[i].kind == CENV_ITEM_REQ)
            impose(d, in->items[i].value, i | CENV_IMPLIED_ITEM);
}

int cenv_implied_find(uint32_t **by, const struct cenv_instance *in,
                      const struct cenv_core *core, struct cenv_arena *arena,
                      struct cenv_error *err)
{
    struct deduction d = {.in = in, .core = core};
    d.by = cenv_arena_calloc(arena, in->nr_reqs, sizeof(*d.by));
    d.out = cenv_arena_calloc(arena, in->nr_cands, sizeof(*d.out));
    d.installed = cenv_arena_calloc(arena, in->nr_names, sizeof(*d.installed));
    if (!d.by || !d.out || !d.installed)
        return cenv_error_oom(err);
    memset(d.by, 0xff, in->nr_reqs * sizeof(*d.by));
    start(&d);
    while (d.changed && !d.empty) {
        d.changed = false;
        for (uint32_t n = 0; n < in->nr_names && !d.empty; n++)
            if (d.installed[n])
                deduce(&d, n);
    }
    *by = d.by;
    return 0;
}
