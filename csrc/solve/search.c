/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lexicographic search: see search.h.
 *
 * A model in hand is an upper bound for every name, what is fixed at the root of the search tree
 * a lower one; where they meet nothing is asked. Otherwise one solve probes the whole rest of a
 * level at its lower bounds. When that fails, the assumptions that failed say for how long a
 * prefix of the level it may still hold, and are kept as a clause; a name that fails alone is
 * pushed down from its place in the model. Most levels take no solve or one.
 */
#include "solve/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "solve/encode.h"

struct search {
    const struct cenv_instance *in;
    struct cenv_sat *sat;
    struct cenv_task *task;
    struct cenv_error *err;
    uint32_t *model;  /* by name: its place in the last model, or CENV_ABSENT */
    uint32_t *choice; /* by name: what is fixed */
    uint32_t *names;  /* the level */
    uint32_t nr;
    uint32_t *queue; /* the next level */
    uint32_t nr_queue;
    uint32_t *later; /* deferred names, for when no level is left */
    uint32_t nr_later;
    bool *seen; /* by name: fixed, in the level or the queue */
    int *refuted;
    uint32_t *calls; /* by name, or NULL */
};

/* The literal "place or worse" is true for places 0 .. result - 1, and false from there on. */
static uint32_t count_true(const struct search *s, uint32_t name,
                           bool (*is_true)(const struct cenv_sat *, int))
{
    uint32_t lo = 0, hi = cenv_instance_size(s->in, name);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (is_true(s->sat, cenv_encode_worse(s->in, name, mid)))
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

/* The best place of a name known to be installed that is not known to be impossible. */
static uint32_t lower_bound(const struct search *s, uint32_t name)
{
    uint32_t nr = count_true(s, name, is_fixed);
    return nr ? nr - 1 : 0;
}

static void read_model(struct search *s)
{
    for (uint32_t n = 0; n < s->in->nr_names; n++) {
        if (s->choice[n] != CENV_ABSENT)
            continue;
        uint32_t nr = count_true(s, n, cenv_sat_value);
        s->model[n] = nr ? nr - 1 : CENV_ABSENT;
    }
}

/* To decide on `name`; CENV_ABSENT: on none. */
static int solve_and_read(struct search *s, uint32_t name)
{
    if (s->calls && name != CENV_ABSENT)
        s->calls[name]++;
    int rc = cenv_sat_solve(s->sat, s->task, s->err);
    if (rc > 0)
        read_model(s);
    return rc;
}

static int add_unit(struct search *s, int lit)
{
    if (cenv_sat_fixed(s->sat, lit) > 0)
        return 0;
    return cenv_sat_add(s->sat, &lit, 1) ? 0 : cenv_error_oom(s->err);
}

/* Assumes that `name` is at a place better than `place`; no solution has a size as its place. */
static int assume_better(struct search *s, uint32_t name, uint32_t place)
{
    if (place >= cenv_instance_size(s->in, name))
        return 0;
    int lit = -cenv_encode_worse(s->in, name, place);
    return cenv_sat_assume(s->sat, lit) ? 0 : cenv_error_oom(s->err);
}

static int fix_name(struct search *s, uint32_t name, uint32_t place)
{
    s->choice[name] = place;
    int rc = add_unit(s, cenv_encode_worse(s->in, name, place));
    if (rc == 0 && place + 1 < cenv_instance_size(s->in, name))
        rc = add_unit(s, -cenv_encode_worse(s->in, name, place + 1));
    return rc;
}

/* Keeps the refuted assumptions as a clause, so that propagation knows them from now on. */
static int keep_refutation(struct search *s)
{
    size_t nr = cenv_sat_nr_failed(s->sat);
    for (size_t i = 0; i < nr; i++)
        s->refuted[i] = -cenv_sat_failed(s->sat, i);
    return cenv_sat_add(s->sat, s->refuted, nr) ? 0 : cenv_error_oom(s->err);
}

/* The last name of the level that the refutation speaks of, as an index from <= result < to. */
static uint32_t last_refuted(const struct search *s, uint32_t from, uint32_t to)
{
    size_t nr = cenv_sat_nr_failed(s->sat);
    for (uint32_t i = to; i-- > from;) {
        uint32_t lo = s->in->first[s->names[i]], hi = s->in->first[s->names[i] + 1];
        for (size_t k = 0; k < nr; k++) {
            uint32_t c = (uint32_t)abs(cenv_sat_failed(s->sat, k)) - 1;
            if (lo <= c && c < hi)
                return i;
        }
    }
    return from;
}

/* Moves one name down from its place in the model to the best place there is. */
static int push_name_down(struct search *s, uint32_t name)
{
    int rc = 1;
    while (rc > 0 && s->model[name] > lower_bound(s, name)) {
        rc = assume_better(s, name, s->model[name]);
        if (rc == 0)
            rc = solve_and_read(s, name);
    }
    if (rc < 0)
        return rc;
    return fix_name(s, name, s->model[name]);
}

/* Probes names[from .. to - 1] all at their lower bounds: 1 and the model, or 0 and the core. */
static int probe_names(struct search *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        int rc = assume_better(s, s->names[i], lower_bound(s, s->names[i]) + 1);
        if (rc < 0)
            return rc;
    }
    return solve_and_read(s, s->names[from]);
}

/* Fixes what the model already has at its lower bound; returns how far, or a status. */
static int64_t fix_prefix(struct search *s, uint32_t from)
{
    uint32_t i = from;
    for (; i < s->nr; i++) {
        uint32_t name = s->names[i];
        if (s->model[name] != lower_bound(s, name))
            break;
        int rc = fix_name(s, name, s->model[name]);
        if (rc < 0)
            return rc;
    }
    return i;
}

/* Fixes at least names[from], which is not at its lower bound. */
static int advance_level(struct search *s, uint32_t from)
{
    for (uint32_t to = s->nr; to > from;) {
        int rc = probe_names(s, from, to);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        to = last_refuted(s, from, to);
        rc = keep_refutation(s);
        if (rc < 0)
            return rc;
    }
    return push_name_down(s, s->names[from]);
}

static int fix_level(struct search *s)
{
    for (int64_t i = fix_prefix(s, 0); i < s->nr; i = fix_prefix(s, (uint32_t)i)) {
        if (i < 0)
            return (int)i;
        int rc = advance_level(s, (uint32_t)i);
        if (rc < 0)
            return rc;
        i += s->choice[s->names[i]] != CENV_ABSENT;
    }
    return 0;
}

static void enqueue_name(struct search *s, const struct cenv_req *req)
{
    if (req->limit || s->seen[req->name])
        return;
    s->seen[req->name] = true;
    if (s->in->deferred && s->in->deferred[req->name])
        s->later[s->nr_later++] = req->name;
    else
        s->queue[s->nr_queue++] = req->name;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void take_deferred(struct search *s)
{
    memcpy(s->queue, s->later, s->nr_later * sizeof(*s->queue));
    s->nr_queue = s->nr_later;
    s->nr_later = 0;
}

/* What the choices of this level require becomes the next level. */
static void begin_next_level(struct search *s)
{
    const struct cenv_instance *in = s->in;
    for (uint32_t i = 0; i < s->nr; i++) {
        uint32_t c = in->first[s->names[i]] + s->choice[s->names[i]];
        for (uint32_t k = in->edge_first[c]; k < in->edge_first[c + 1]; k++)
            enqueue_name(s, &in->reqs[in->edges[k]]);
    }
    if (!s->nr_queue)
        take_deferred(s);
    qsort(s->queue, s->nr_queue, sizeof(*s->queue), by_number);
    uint32_t *names = s->names;
    s->names = s->queue;
    s->nr = s->nr_queue;
    s->queue = names;
    s->nr_queue = 0;
}

static void begin_first_level(struct search *s)
{
    for (uint32_t i = 0; i < s->in->nr_goals; i++)
        if (s->in->goals[i].kind == CENV_GOAL_REQ)
            enqueue_name(s, &s->in->reqs[s->in->goals[i].value]);
    if (!s->nr_queue)
        take_deferred(s);
    for (s->nr = 0; s->nr < s->nr_queue; s->nr++)
        s->names[s->nr] = s->queue[s->nr];
    s->nr_queue = 0;
}

/* Solves with all goals assumed; from then on they hold. */
static int satisfy_goals(struct search *s)
{
    for (uint32_t i = 0; i < s->in->nr_goals; i++)
        if (!cenv_sat_assume(s->sat, cenv_encode_goal(s->in, i)))
            return cenv_error_oom(s->err);
    int rc = solve_and_read(s, CENV_ABSENT);
    for (uint32_t i = 0; rc > 0 && i < s->in->nr_goals; i++) {
        int added = add_unit(s, cenv_encode_goal(s->in, i));
        rc = added < 0 ? added : rc;
    }
    return rc;
}

static int search_levels(struct search *s, uint32_t *level)
{
    int rc = satisfy_goals(s);
    if (rc <= 0)
        return rc;
    begin_first_level(s);
    for (uint32_t depth = 0; s->nr > 0; depth++) {
        rc = fix_level(s);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; level && i < s->nr; i++)
            level[s->names[i]] = depth;
        begin_next_level(s);
    }
    return 1;
}

int cenv_search_best(const struct cenv_instance *in, struct cenv_sat *sat,
                     uint32_t *choice, uint32_t *level, uint32_t *calls,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct search s = {.in = in,
                       .sat = sat,
                       .task = task,
                       .err = err,
                       .choice = choice,
                       .calls = calls};
    s.model = cenv_reallocarray(NULL, in->nr_names, sizeof(*s.model));
    s.names = cenv_reallocarray(NULL, in->nr_names, sizeof(*s.names));
    s.later = cenv_reallocarray(NULL, in->nr_names, sizeof(*s.later));
    s.queue = cenv_reallocarray(NULL, in->nr_names, sizeof(*s.queue));
    s.refuted = cenv_reallocarray(NULL, (size_t)in->nr_names + in->nr_goals,
                                  sizeof(*s.refuted));
    s.seen = cenv_calloc(in->nr_names, sizeof(*s.seen));
    int rc = 0;
    if (!s.model || !s.names || !s.queue || !s.later || !s.refuted || !s.seen)
        rc = cenv_error_oom(err);
    for (uint32_t n = 0; rc == 0 && n < in->nr_names; n++)
        s.choice[n] = s.model[n] = CENV_ABSENT;
    if (rc == 0)
        rc = search_levels(&s, level);
    cenv_free(s.model);
    cenv_free(s.names);
    cenv_free(s.queue);
    cenv_free(s.later);
    cenv_free(s.refuted);
    cenv_free(s.seen);
    return rc;
}
