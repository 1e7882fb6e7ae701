/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A graph of names: from one to each that a candidate of it depends on. It has an edge for a pair
 * of names where candidates have thousands, so that it is walked in no time once it is made.
 */
#include "solve/reach.h"

#include <string.h>

#include "base/alloc.h"

struct edge {
    uint32_t to, spec;
};

struct walk {
    const struct cenv_problem *p;
    struct cenv_reach *out;
    struct edge *edges; /* room for one of each link */
    size_t nr_edges;
    uint32_t *first; /* the block of all; nr_names + 1: where a name's edges start */
    uint32_t *stamp; /* by name: the last name that has an edge to it */
    uint32_t *queue; /* names to go on from; each enters it thrice at most */
    uint32_t head, nr_queue;
};

static void add_edges(struct walk *w, uint32_t name, const struct cenv_candidate *cand)
{
    for (uint32_t i = 0; i < cand->nr_depends; i++) {
        uint32_t spec = w->p->links[cand->specs + i], to = w->p->specs[spec].name;
        if (to == CENV_NONE || w->stamp[to] == name)
            continue;
        w->edges[w->nr_edges++] = (struct edge){to, spec};
        w->stamp[to] = name;
    }
}

static void make_graph(struct walk *w)
{
    for (uint32_t n = 0; n < w->p->nr_names; n++) {
        w->first[n] = (uint32_t)w->nr_edges;
        for (uint32_t i = 0; i < w->p->names[n].nr; i++)
            add_edges(w, n, cenv_problem_cand(w->p, n, i));
    }
    w->first[w->p->nr_names] = (uint32_t)w->nr_edges;
}

/* The name is reached by `spec` of `from`, on behalf of the entry `root`. */
static void reach_name(struct walk *w, uint32_t name, uint32_t from, uint32_t spec,
                       uint32_t root)
{
    uint32_t *sole = &w->out->sole[name];
    uint32_t now = *sole == CENV_NONE || *sole == root ? root : CENV_REACH_SHARED;

    if (*sole == CENV_NONE) {
        w->out->from[name] = from;
        w->out->spec[name] = spec;
    }
    if (*sole != now)
        w->queue[w->nr_queue++] = name;
    *sole = now;
}

static void start_walk(struct walk *w)
{
    for (size_t i = 0; i < w->p->nr_roots; i++) {
        const struct cenv_root *root = &w->p->roots[i];
        if (root->kind != CENV_ROOT_ENTRY || root->entry->kind == CENV_REQUEST_PINNED ||
            w->p->specs[root->spec].name == CENV_NONE)
            continue;
        uint32_t entry = (uint32_t)(root->entry - w->p->request->entries);
        reach_name(w, w->p->specs[root->spec].name, CENV_NONE, root->spec, entry);
    }
}

static void walk_graph(struct walk *w)
{
    start_walk(w);
    while (w->head < w->nr_queue) {
        uint32_t name = w->queue[w->head++];
        for (uint32_t i = w->first[name]; i < w->first[name + 1]; i++)
            reach_name(w, w->edges[i].to, name, w->edges[i].spec, w->out->sole[name]);
    }
}

static bool allocate_walk(struct walk *w)
{
    size_t nr = w->p->nr_names;

    w->edges = cenv_reallocarray(NULL, w->p->nr_links + 1, sizeof(*w->edges));
    w->first = cenv_reallocarray(NULL, nr + 1, 5 * sizeof(*w->first));
    w->out->spec = cenv_reallocarray(NULL, nr + 1, 3 * sizeof(*w->out->spec));
    if (!w->edges || !w->first || !w->out->spec)
        return false;
    w->stamp = w->first + nr + 1;
    w->queue = w->stamp + nr;
    w->out->from = w->out->spec + nr;
    w->out->sole = w->out->from + nr;
    memset(w->stamp, 0xff, nr * sizeof(*w->stamp)); /* CENV_NONE */
    memset(w->out->spec, 0xff, 3 * nr * sizeof(*w->out->spec));
    return true;
}

bool cenv_reach_find(struct cenv_reach *out, const struct cenv_problem *p)
{
    struct walk w = {.p = p, .out = out};
    bool done = allocate_walk(&w);

    if (done) {
        make_graph(&w);
        walk_graph(&w);
    }
    cenv_free(w.first);
    cenv_free(w.edges);
    return done;
}

void cenv_reach_release(struct cenv_reach *reach)
{
    cenv_free(reach->spec);
}
