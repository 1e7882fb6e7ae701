/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layered descent: see search.h.
 *
 * A model in hand is an upper bound for every name, what is fixed at the root of the search tree a
 * lower one; where they meet nothing is asked. Otherwise one solve probes the whole rest of a layer
 * at its lower bounds. When that fails, the core says for how long a prefix of the layer it may still
 * hold, and is kept as a clause; a name that fails alone is pushed down from its place in the model.
 * Most layers take no solve or one.
 */
#include "solve/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "solve/encode.h"

struct descent {
    const struct cenv_instance *in;
    struct cenv_sat *sat;
    struct cenv_task *task;
    struct cenv_error *err;
    uint32_t *model;  /* by name: its place in the last model, or CENV_ABSENT */
    uint32_t *choice; /* by name: what is fixed */
    uint32_t *names;  /* the layer */
    uint32_t nr;
    uint32_t *queue; /* the next layer */
    uint32_t nr_queue;
    uint32_t *later; /* deferred names, for when no layer is left */
    uint32_t nr_later;
    bool *seen; /* by name: fixed, in the layer or the queue */
    int *core;
};

/* The literal "place or worse" is true in the whole of places 0 .. result - 1 and false from there. */
static uint32_t count_true(const struct descent *d, uint32_t name,
                           bool (*is_true)(const struct cenv_sat *, int))
{
    uint32_t lo = 0, hi = cenv_instance_size(d->in, name);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (is_true(d->sat, cenv_var_worse(d->in, name, mid)))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_fixed(const struct cenv_sat *sat, int var)
{
    return cenv_sat_fixed(sat, var) > 0;
}

/* The best place of `name` that is not known to be impossible; the name is known to be installed. */
static uint32_t lower_bound(const struct descent *d, uint32_t name)
{
    uint32_t nr = count_true(d, name, is_fixed);
    return nr ? nr - 1 : 0;
}

static void read_model(struct descent *d)
{
    for (uint32_t n = 0; n < d->in->nr_names; n++) {
        if (d->choice[n] != CENV_ABSENT)
            continue;
        uint32_t nr = count_true(d, n, cenv_sat_value);
        d->model[n] = nr ? nr - 1 : CENV_ABSENT;
    }
}

static int solve(struct descent *d)
{
    int rc = cenv_sat_solve(d->sat, d->task, d->err);
    if (rc > 0)
        read_model(d);
    return rc;
}

static int add(struct descent *d, int lit)
{
    if (cenv_sat_fixed(d->sat, lit) > 0)
        return 0;
    return cenv_sat_add(d->sat, &lit, 1) < 0 ? cenv_error_oom(d->err) : 0;
}

/* Assumes that `name` is at a place better than `place`; no solution has a size as its place. */
static int assume_better(struct descent *d, uint32_t name, uint32_t place)
{
    if (place >= cenv_instance_size(d->in, name))
        return 0;
    int lit = -cenv_var_worse(d->in, name, place);
    return cenv_sat_assume(d->sat, lit) < 0 ? cenv_error_oom(d->err) : 0;
}

static int fix(struct descent *d, uint32_t name, uint32_t place)
{
    d->choice[name] = place;
    int rc = add(d, cenv_var_worse(d->in, name, place));
    if (rc == 0 && place + 1 < cenv_instance_size(d->in, name))
        rc = add(d, -cenv_var_worse(d->in, name, place + 1));
    return rc;
}

/* Keeps the refuted assumptions as a clause, so that propagation knows them from now on. */
static int keep_core(struct descent *d)
{
    size_t nr = cenv_sat_nr_failed(d->sat);
    for (size_t i = 0; i < nr; i++)
        d->core[i] = -cenv_sat_failed(d->sat, i);
    return cenv_sat_add(d->sat, d->core, nr) < 0 ? cenv_error_oom(d->err) : 0;
}

/* The last place in the layer, from <= result, that the core speaks of. */
static uint32_t last_in_core(const struct descent *d, uint32_t from, uint32_t to)
{
    size_t nr = cenv_sat_nr_failed(d->sat);
    for (uint32_t i = to; i-- > from;) {
        uint32_t lo = d->in->first[d->names[i]], hi = d->in->first[d->names[i] + 1];
        for (size_t k = 0; k < nr; k++) {
            uint32_t c = (uint32_t)abs(cenv_sat_failed(d->sat, k)) - 1;
            if (lo <= c && c < hi)
                return i;
        }
    }
    return from;
}

/* The model stays; the name goes down to the best place there is. */
static int push_down(struct descent *d, uint32_t name)
{
    int rc = 1;
    while (rc > 0 && d->model[name] > lower_bound(d, name)) {
        rc = assume_better(d, name, d->model[name]);
        if (rc == 0)
            rc = solve(d);
    }
    return rc < 0 ? rc : fix(d, name, d->model[name]);
}

/* Probes names[from .. to - 1] all at their lower bounds: 1 and the model, or 0 and the core. */
static int probe(struct descent *d, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        int rc = assume_better(d, d->names[i], lower_bound(d, d->names[i]) + 1);
        if (rc < 0)
            return rc;
    }
    return solve(d);
}

/* Fixes what the model already has at its lower bound; returns how far, or a status. */
static int64_t fix_prefix(struct descent *d, uint32_t from)
{
    uint32_t i = from;
    for (; i < d->nr; i++) {
        uint32_t name = d->names[i];
        if (d->model[name] != lower_bound(d, name))
            break;
        int rc = fix(d, name, d->model[name]);
        if (rc < 0)
            return rc;
    }
    return i;
}

/* Fixes at least names[from], which is not at its lower bound. */
static int advance(struct descent *d, uint32_t from)
{
    for (uint32_t to = d->nr; to > from;) {
        int rc = probe(d, from, to);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        to = last_in_core(d, from, to);
        rc = keep_core(d);
        if (rc < 0)
            return rc;
    }
    return push_down(d, d->names[from]);
}

static int fix_layer(struct descent *d)
{
    for (int64_t i = fix_prefix(d, 0); i < d->nr; i = fix_prefix(d, (uint32_t)i)) {
        if (i < 0)
            return (int)i;
        int rc = advance(d, (uint32_t)i);
        if (rc < 0)
            return rc;
        i += d->choice[d->names[i]] != CENV_ABSENT;
    }
    return 0;
}

static void enqueue(struct descent *d, const struct cenv_req *req)
{
    if (req->limit || d->seen[req->name])
        return;
    d->seen[req->name] = true;
    if (d->in->deferred && d->in->deferred[req->name])
        d->later[d->nr_later++] = req->name;
    else
        d->queue[d->nr_queue++] = req->name;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void take_deferred(struct descent *d)
{
    memcpy(d->queue, d->later, d->nr_later * sizeof(*d->queue));
    d->nr_queue = d->nr_later;
    d->nr_later = 0;
}

/* What the layer requires becomes the layer. */
static void next_layer(struct descent *d)
{
    const struct cenv_instance *in = d->in;
    for (uint32_t i = 0; i < d->nr; i++) {
        uint32_t c = in->first[d->names[i]] + d->choice[d->names[i]];
        for (uint32_t k = in->edge_first[c]; k < in->edge_first[c + 1]; k++)
            enqueue(d, &in->reqs[in->edges[k]]);
    }
    if (!d->nr_queue)
        take_deferred(d);
    qsort(d->queue, d->nr_queue, sizeof(*d->queue), by_number);
    uint32_t *names = d->names;
    d->names = d->queue;
    d->nr = d->nr_queue;
    d->queue = names;
    d->nr_queue = 0;
}

static void first_layer(struct descent *d)
{
    for (uint32_t i = 0; i < d->in->nr_items; i++)
        if (d->in->items[i].kind == CENV_ITEM_REQ)
            enqueue(d, &d->in->reqs[d->in->items[i].value]);
    if (!d->nr_queue)
        take_deferred(d);
    for (d->nr = 0; d->nr < d->nr_queue; d->nr++)
        d->names[d->nr] = d->queue[d->nr];
    d->nr_queue = 0;
}

/* Solves with all items assumed; from then on they hold. */
static int satisfy_items(struct descent *d)
{
    for (uint32_t i = 0; i < d->in->nr_items; i++)
        if (cenv_sat_assume(d->sat, cenv_var_item(d->in, i)) < 0)
            return cenv_error_oom(d->err);
    int rc = solve(d);
    for (uint32_t i = 0; rc > 0 && i < d->in->nr_items; i++) {
        int added = add(d, cenv_var_item(d->in, i));
        rc = added < 0 ? added : rc;
    }
    return rc;
}

static int descend(struct descent *d, uint32_t *layer)
{
    int rc = satisfy_items(d);
    if (rc <= 0)
        return rc;
    first_layer(d);
    for (uint32_t depth = 0; d->nr > 0; depth++) {
        rc = fix_layer(d);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; layer && i < d->nr; i++)
            layer[d->names[i]] = depth;
        next_layer(d);
    }
    return 1;
}

int cenv_descend(const struct cenv_instance *in, struct cenv_sat *sat, uint32_t *choice,
                 uint32_t *layer, struct cenv_task *task, struct cenv_error *err)
{
    struct descent d = {
        .in = in, .sat = sat, .task = task, .err = err, .choice = choice};
    d.model = cenv_reallocarray(NULL, in->nr_names, sizeof(*d.model));
    d.names = cenv_reallocarray(NULL, in->nr_names, sizeof(*d.names));
    d.later = cenv_reallocarray(NULL, in->nr_names, sizeof(*d.later));
    d.queue = cenv_reallocarray(NULL, in->nr_names, sizeof(*d.queue));
    d.core =
        cenv_reallocarray(NULL, (size_t)in->nr_names + in->nr_items, sizeof(*d.core));
    d.seen = cenv_calloc(in->nr_names, sizeof(*d.seen));
    int rc = 0;
    if (!d.model || !d.names || !d.queue || !d.later || !d.core || !d.seen)
        rc = cenv_error_oom(err);
    for (uint32_t n = 0; rc == 0 && n < in->nr_names; n++)
        d.choice[n] = d.model[n] = CENV_ABSENT;
    if (rc == 0)
        rc = descend(&d, layer);
    cenv_free(d.model);
    cenv_free(d.names);
    cenv_free(d.queue);
    cenv_free(d.later);
    cenv_free(d.core);
    cenv_free(d.seen);
    return rc;
}
