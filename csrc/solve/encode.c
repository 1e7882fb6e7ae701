/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order encoding (docs/design/solve.md 4.2): see encode.h.
 *
 * "At place p or worse" makes a name's candidates one axis, on which at most one is chosen
 * without further clauses. Specs match contiguous runs of it, and neighbours (builds of one
 * version, versions of one series) depend on the same strings; so both ends of a dependency are
 * runs, and one ternary clause says "a place in this run needs that gate" for all its candidates
 * at once. It also propagates before the exact candidate is known. One variable per candidate
 * with a clause per dependency, the usual encoding, takes five to ten times as many clauses.
 */
#include "solve/encode.h"

#include "base/alloc.h"

struct encoder {
    const struct cenv_instance *in;
    struct cenv_sat *sat;
    bool soft;
    bool failed; /* sticky: a clause found no memory */
    /* By requirement: candidates start .. last have it, which is not expressed yet. */
    uint32_t *start, *last;
    uint32_t *counts, about; /* clauses by name, or NULL; the name they are about now */
};

enum { NO_LIT = 0 };

/* A clause of those literals that are not NO_LIT. */
static void add_clause(struct encoder *e, int a, int b, int c, int d)
{
    int given[] = {a, b, c, d};
    int lits[4];
    size_t nr = 0;
    for (size_t i = 0; i < 4; i++)
        if (given[i] != NO_LIT)
            lits[nr++] = given[i];
    e->failed |= !cenv_sat_add(e->sat, lits, nr);
    if (e->counts)
        e->counts[e->about]++;
}

/* The literal "place or worse", or NO_LIT behind the last place, where it is false. */
static int worse_or_none(const struct encoder *e, uint32_t name, uint32_t place)
{
    return place < cenv_instance_size(e->in, name)
               ? cenv_encode_worse(e->in, name, place)
               : NO_LIT;
}

/* `cause` implies that the name's place is not in from <= p < to. */
static void forbid_run(struct encoder *e, int cause, uint32_t name, struct cenv_run run)
{
    if (run.from < run.to)
        add_clause(e, -cause, -cenv_encode_worse(e->in, name, run.from),
                   worse_or_none(e, name, run.to), NO_LIT);
}

static void express_axis(struct encoder *e, uint32_t name)
{
    uint32_t size = cenv_instance_size(e->in, name);
    e->about = name;
    for (uint32_t p = 1; p < size; p++)
        add_clause(e, -cenv_encode_worse(e->in, name, p),
                   cenv_encode_worse(e->in, name, p - 1), NO_LIT, NO_LIT);
}

static void express_gate(struct encoder *e, uint32_t q)
{
    const struct cenv_req *req = &e->in->reqs[q];
    const struct cenv_run *runs = e->in->runs + req->first_run;
    int gate = cenv_encode_gate(e->in, q);
    uint32_t at = 0;
    e->about = req->name;
    if (!req->limit) {
        int first =
            req->nr_runs ? cenv_encode_worse(e->in, req->name, runs[0].from) : NO_LIT;
        add_clause(e, -gate, first, NO_LIT, NO_LIT);
        at = req->nr_runs ? runs[0].from : cenv_instance_size(e->in, req->name);
    }
    for (uint32_t i = 0; i < req->nr_runs; i++) {
        forbid_run(e, gate, req->name, (struct cenv_run){at, runs[i].from});
        at = runs[i].to;
    }
    forbid_run(e, gate, req->name,
               (struct cenv_run){at, cenv_instance_size(e->in, req->name)});
}

/* The candidates start[q] .. last[q] need requirement q. */
static void express_edge(struct encoder *e, uint32_t q)
{
    uint32_t from = e->start[q], to = e->last[q] + 1;
    uint32_t name = e->in->name_of[from], base = e->in->first[name];
    int off = e->soft ? -cenv_encode_soft(e->in, q) : NO_LIT;
    e->about = name;
    add_clause(e, -cenv_encode_worse(e->in, name, from - base),
               worse_or_none(e, name, to - base), cenv_encode_gate(e->in, q), off);
}

/* Grows the run of candidates that need q by c, or ends it and starts another. */
static void extend_edge(struct encoder *e, uint32_t q, uint32_t c)
{
    bool open = e->last[q] != UINT32_MAX;
    if (open && e->last[q] == c)
        return; /* listed twice */
    if (open && e->last[q] + 1 == c &&
        e->in->name_of[e->last[q]] == e->in->name_of[c]) {
        e->last[q] = c;
        return;
    }
    if (open)
        express_edge(e, q);
    e->start[q] = e->last[q] = c;
}

static void express_edges(struct encoder *e)
{
    const struct cenv_instance *in = e->in;
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        e->last[q] = UINT32_MAX;
    for (uint32_t c = 0; c < in->nr_cands; c++)
        for (uint32_t i = in->edge_first[c]; i < in->edge_first[c + 1]; i++)
            extend_edge(e, in->edges[i], c);
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        if (e->last[q] != UINT32_MAX)
            express_edge(e, q);
}

static void express_excluded(struct encoder *e, int cause, uint8_t reasons)
{
    const struct cenv_instance *in = e->in;
    for (uint32_t n = 0; n < in->nr_names; n++) {
        const uint8_t *excluded = in->excluded + in->first[n];
        uint32_t size = cenv_instance_size(in, n);
        e->about = n;
        for (uint32_t p = 0; p < size; p++)
            if (excluded[p] & reasons)
                forbid_run(e, cause, n, (struct cenv_run){p, p + 1});
    }
}

static void express_goal(struct encoder *e, uint32_t i)
{
    const struct cenv_goal *goal = &e->in->goals[i];
    int cause = cenv_encode_goal(e->in, i);
    if (goal->kind == CENV_GOAL_REQ) {
        e->about = e->in->reqs[goal->value].name;
        add_clause(e, -cause, cenv_encode_gate(e->in, goal->value), NO_LIT, NO_LIT);
    } else if (e->in->excluded)
        express_excluded(e, cause, (uint8_t)goal->value);
}

static void express_all(struct encoder *e)
{
    for (uint32_t n = 0; n < e->in->nr_names; n++)
        express_axis(e, n);
    for (uint32_t q = 0; q < e->in->nr_reqs; q++)
        express_gate(e, q);
    express_edges(e);
    for (uint32_t i = 0; i < e->in->nr_goals; i++)
        express_goal(e, i);
}

int cenv_encode_instance(const struct cenv_instance *in, unsigned flags,
                         struct cenv_sat *sat, struct cenv_error *err)
{
    return cenv_encode_counted(in, flags, sat, NULL, err);
}

int cenv_encode_counted(const struct cenv_instance *in, unsigned flags,
                        struct cenv_sat *sat, uint32_t *counts, struct cenv_error *err)
{
    struct encoder e = {
        .in = in, .sat = sat, .soft = flags & CENV_ENCODE_SOFT, .counts = counts};
    uint64_t nr = (uint64_t)in->nr_cands + in->nr_goals +
                  (e.soft ? 2u : 1u) * (uint64_t)in->nr_reqs;
    if (nr >= 1u << 30)
        return cenv_error_set(err, CENV_EFAIL,
                              "the problem has too many candidates (%llu)",
                              (unsigned long long)nr);
    e.start = cenv_reallocarray(NULL, in->nr_reqs, sizeof(*e.start));
    e.last = cenv_reallocarray(NULL, in->nr_reqs, sizeof(*e.last));
    e.failed = !e.start || !e.last || !cenv_sat_reserve(sat, (uint32_t)nr);
    if (!e.failed)
        express_all(&e);
    cenv_free(e.start);
    cenv_free(e.last);
    return e.failed ? cenv_error_oom(err) : 0;
}
