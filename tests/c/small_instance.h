/* SPDX-License-Identifier: BSD-3-Clause */
/* Random instances small enough to try out every choice, and what is best among these. */
#ifndef SMALL_INSTANCE_H
#define SMALL_INSTANCE_H

#include "base/task.h"
#include "check.h"
#include "solve/encode.h"
#include "solve/instance.h"
#include "solve/search.h"

enum {
    NAMES = 5,
    CANDS = 4,
    REQS = 14,
    GOALS = 4,
    MAX_CANDS = NAMES * CANDS,
    MAX_EDGES = 4
};

struct small {
    struct cenv_instance in;
    uint32_t first[NAMES + 1], name_of[MAX_CANDS];
    struct cenv_req reqs[REQS];
    struct cenv_run runs[REQS * CANDS];
    uint32_t edge_first[MAX_CANDS + 1], edges[MAX_CANDS * MAX_EDGES];
    uint8_t excluded[MAX_CANDS];
    struct cenv_goal goals[GOALS];
};

/* Goes on with every instance made: a label of a case names where it stood. */
__attribute__((unused)) static uint32_t seed = 1;

__attribute__((unused)) static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

__attribute__((unused)) static void make_req(struct small *s, uint32_t q,
                                             uint32_t *nr_runs)
{
    struct cenv_req *req = &s->reqs[q];
    *req = (struct cenv_req){
        .name = pick(NAMES), .first_run = *nr_runs, .limit = pick(4) == 0};
    uint32_t size = cenv_instance_size(&s->in, req->name);
    bool inside = false;
    for (uint32_t p = 0; p < size; p++) {
        bool match = pick(3) != 0;
        if (match && !inside)
            s->runs[(*nr_runs)++] = (struct cenv_run){p, p + 1};
        else if (match)
            s->runs[*nr_runs - 1].to++;
        inside = match;
    }
    req->nr_runs = *nr_runs - req->first_run;
}

__attribute__((unused)) static void make_small(struct small *s)
{
    memset(s, 0, sizeof(*s));
    s->in = (struct cenv_instance){.nr_names = NAMES,
                                   .nr_reqs = REQS,
                                   .nr_goals = 1 + pick(GOALS),
                                   .first = s->first,
                                   .name_of = s->name_of,
                                   .reqs = s->reqs,
                                   .runs = s->runs,
                                   .edge_first = s->edge_first,
                                   .edges = s->edges,
                                   .excluded = s->excluded,
                                   .goals = s->goals};
    for (uint32_t n = 0; n < NAMES; n++)
        s->first[n + 1] = s->first[n] + pick(CANDS + 1);
    s->in.nr_cands = s->first[NAMES];
    uint32_t nr_runs = 0, nr_edges = 0;
    for (uint32_t q = 0; q < REQS; q++)
        make_req(s, q, &nr_runs);
    for (uint32_t n = 0; n < NAMES; n++)
        for (uint32_t c = s->first[n]; c < s->first[n + 1]; c++) {
            s->name_of[c] = n;
            s->excluded[c] = pick(8) == 0;
            s->edge_first[c] = nr_edges;
            for (uint32_t k = pick(MAX_EDGES); k > 0; k--)
                s->edges[nr_edges++] = pick(REQS);
        }
    s->edge_first[s->in.nr_cands] = nr_edges;
    for (uint32_t i = 0; i < s->in.nr_goals; i++)
        s->goals[i] = (struct cenv_goal){CENV_GOAL_REQ, pick(REQS)};
    if (pick(3) == 0)
        s->goals[0] = (struct cenv_goal){CENV_GOAL_EXCLUDE, 1};
}

__attribute__((unused)) static bool req_holds(const struct cenv_instance *in,
                                              uint32_t q, const uint32_t *choice)
{
    const struct cenv_req *req = &in->reqs[q];
    uint32_t place = choice[req->name];
    return place == CENV_ABSENT ? req->limit : cenv_instance_allows(in, req, place);
}

__attribute__((unused)) static bool name_holds(const struct cenv_instance *in,
                                               uint32_t n, const uint32_t *choice)
{
    if (choice[n] == CENV_ABSENT)
        return true;
    uint32_t c = in->first[n] + choice[n];
    for (uint32_t k = in->edge_first[c]; k < in->edge_first[c + 1]; k++)
        if (!req_holds(in, in->edges[k], choice))
            return false;
    return true;
}

__attribute__((unused)) static bool is_valid(const struct cenv_instance *in,
                                             const uint32_t *choice)
{
    for (uint32_t i = 0; i < in->nr_goals; i++) {
        if (in->goals[i].kind == CENV_GOAL_REQ &&
            !req_holds(in, in->goals[i].value, choice))
            return false;
        for (uint32_t n = 0; in->goals[i].kind == CENV_GOAL_EXCLUDE && n < in->nr_names;
             n++)
            if (choice[n] != CENV_ABSENT &&
                in->excluded[in->first[n] + choice[n]] == in->goals[i].value)
                return false;
    }
    for (uint32_t n = 0; n < in->nr_names; n++)
        if (!name_holds(in, n, choice))
            return false;
    return true;
}

struct levels {
    const struct cenv_instance *in;
    uint32_t order[NAMES];
    uint32_t nr, from;
    bool seen[NAMES];
};

__attribute__((unused)) static void reach_req(struct levels *l, uint32_t q)
{
    const struct cenv_req *req = &l->in->reqs[q];
    if (req->limit || l->seen[req->name])
        return;
    l->seen[req->name] = true;
    l->order[l->nr++] = req->name;
}

/* The order in which the search meets the names of a solution, by definition rather than speed. */
__attribute__((unused)) static void level_order(struct levels *l,
                                                const uint32_t *choice)
{
    for (uint32_t i = 0; i < l->in->nr_goals; i++)
        if (l->in->goals[i].kind == CENV_GOAL_REQ)
            reach_req(l, l->in->goals[i].value);
    while (l->from < l->nr) {
        uint32_t end = l->nr;
        for (; l->from < end; l->from++) {
            uint32_t c = l->in->first[l->order[l->from]] + choice[l->order[l->from]];
            for (uint32_t k = l->in->edge_first[c]; k < l->in->edge_first[c + 1]; k++)
                reach_req(l, l->in->edges[k]);
        }
        for (uint32_t i = end; i < l->nr; i++)
            for (uint32_t k = i; k > end && l->order[k] < l->order[k - 1]; k--) {
                uint32_t swap = l->order[k];
                l->order[k] = l->order[k - 1];
                l->order[k - 1] = swap;
            }
    }
}

/* Solution a is better than b: at the first difference along their (until then common) order. */
__attribute__((unused)) static bool is_better(const struct cenv_instance *in,
                                              const uint32_t *a, const uint32_t *b)
{
    struct levels l = {.in = in};
    level_order(&l, a);
    for (uint32_t i = 0; i < l.nr; i++)
        if (a[l.order[i]] != b[l.order[i]])
            return a[l.order[i]] < b[l.order[i]];
    return false;
}

__attribute__((unused)) static bool next_choice(const struct cenv_instance *in,
                                                uint32_t *choice)
{
    for (uint32_t n = 0; n < in->nr_names; n++) {
        choice[n] = choice[n] == CENV_ABSENT ? 0 : choice[n] + 1;
        if (choice[n] < cenv_instance_size(in, n))
            return true;
        choice[n] = CENV_ABSENT;
    }
    return false;
}

/* Leaves out what nothing requires, as the search does. */
__attribute__((unused)) static void drop_unreached(const struct cenv_instance *in,
                                                   uint32_t *choice)
{
    struct levels l = {.in = in};
    level_order(&l, choice);
    for (uint32_t n = 0; n < in->nr_names; n++)
        if (!l.seen[n])
            choice[n] = CENV_ABSENT;
}

__attribute__((unused)) static bool search_exhaustively(const struct cenv_instance *in,
                                                        uint32_t *best)
{
    uint32_t choice[NAMES];
    bool found = false;
    memset(choice, 0xff, sizeof(choice));
    do {
        if (is_valid(in, choice) && (!found || is_better(in, choice, best))) {
            memcpy(best, choice, sizeof(choice));
            found = true;
        }
    } while (next_choice(in, choice));
    if (found)
        drop_unreached(in, best);
    return found;
}

__attribute__((unused)) static int search_small(const struct cenv_instance *in,
                                                unsigned flags, uint32_t *choice)
{
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_sat *sat = cenv_sat_new();
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_encode_instance(in, flags, sat, &err), 0);
    for (uint32_t q = 0; (flags & CENV_ENCODE_SOFT) && q < in->nr_reqs; q++)
        CHECK(cenv_sat_add(sat, (int[]){cenv_encode_soft(in, q)}, 1));
    int rc = cenv_search_best(in, sat, choice, NULL, NULL, &task, &err);
    cenv_sat_free(sat);
    cenv_task_release(&task);
    return rc;
}

#endif
