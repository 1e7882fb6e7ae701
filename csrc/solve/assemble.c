/* SPDX-License-Identifier: BSD-3-Clause */
/* From names, candidates and matched specs to the instance of integers. */
#include "solve/assemble.h"

#include <stdlib.h>

#include "base/alloc.h"

struct assembly {
    struct cenv_problem *p;
    const uint32_t *before; /* by old candidate: its place when specs were matched */
    uint32_t *number;       /* by old name number: the new one */
    struct cenv_name *old;
    struct cenv_map merged; /* meaning of a requirement, as bytes -> its number */
    size_t alloc_reqs, alloc_specs, alloc_runs, alloc_edges, nr_runs, nr_edges;
};

/* A name and its number while names are sorted. */
struct numbered {
    struct cenv_name name;
    uint32_t id;
};

static int by_text(const void *left, const void *right)
{
    const struct numbered *a = left, *b = right;
    return cenv_str_cmp(a->name.text, b->name.text);
}

/* Numbers the names in bytewise order, which is the order within a level. */
static bool sort_names(struct assembly *a)
{
    struct cenv_problem *p = a->p;
    struct numbered *sorted = cenv_reallocarray(NULL, p->nr_names, sizeof(*sorted));
    a->number = cenv_reallocarray(NULL, p->nr_names, sizeof(*a->number));
    if (!sorted || !a->number) {
        cenv_free(sorted);
        return false;
    }
    for (uint32_t i = 0; i < p->nr_names; i++)
        sorted[i] = (struct numbered){p->names[i], i};
    if (p->nr_names)
        qsort(sorted, p->nr_names, sizeof(*sorted), by_text);
    for (uint32_t i = 0; i < p->nr_names; i++) {
        p->names[i] = sorted[i].name;
        a->number[sorted[i].id] = i;
    }
    for (size_t i = 0; i < p->nr_specs; i++)
        if (p->specs[i].name != CENV_NONE)
            p->specs[i].name = a->number[p->specs[i].name];
    cenv_free(sorted);
    return true;
}

static bool grow_array(void **block, size_t *alloc, size_t nr, size_t size)
{
    return nr < CENV_NONE - 1 && cenv_grow(block, alloc, nr, size);
}

static bool reserve_run(struct assembly *a)
{
    void *runs = a->p->in.runs;
    if (!grow_array(&runs, &a->alloc_runs, a->nr_runs, sizeof(*a->p->in.runs)))
        return false;
    a->p->in.runs = runs;
    return true;
}

static bool add_run(struct assembly *a, uint32_t place)
{
    if (!reserve_run(a))
        return false;
    a->p->in.runs[a->nr_runs++] = (struct cenv_run){place, place + 1};
    return true;
}

/* Appends the runs of the spec, on the places that its name's candidates have now. */
static bool add_runs(struct assembly *a, const struct cenv_spec *spec)
{
    const struct cenv_name *name = &a->p->names[spec->name];
    uint32_t last = CENV_NONE;
    for (uint32_t place = 0; place < name->nr; place++) {
        uint32_t was = a->before[name->first + place];
        if (!(spec->bits[was / 64] >> (was % 64) & 1))
            continue;
        if (last != CENV_NONE && last + 1 == place)
            a->p->in.runs[a->nr_runs - 1].to++;
        else if (!add_run(a, place))
            return false;
        last = place;
    }
    return true;
}

/* Specs that mean the same are one requirement: *found is its number, CENV_NONE of a new one. */
static bool find_meaning(struct assembly *a, const struct cenv_req *req,
                         uint32_t *found)
{
    struct cenv_buf key;
    uint32_t head[] = {req->name, req->limit};
    *found = CENV_NONE;
    if (a->p->flags & CENV_PROBLEM_KEEP_EQUAL)
        return true;
    cenv_buf_init(&key, SIZE_MAX / 2);
    cenv_buf_add(&key, head, sizeof(head));
    cenv_buf_add(&key, a->p->in.runs + req->first_run,
                 req->nr_runs * sizeof(struct cenv_run));
    bool done = !key.failed;
    if (done)
        *found = cenv_map_get(&a->merged, cenv_buf_str(&key));
    if (done && *found == CENV_NONE) {
        struct cenv_str own = cenv_arena_str(&a->p->arena, cenv_buf_str(&key));
        done = own.data && cenv_map_put(&a->merged, own, a->p->in.nr_reqs);
    }
    cenv_buf_release(&key);
    return done;
}

static bool new_req(struct assembly *a, uint32_t spec, const struct cenv_req *req,
                    uint32_t *out)
{
    struct cenv_instance *in = &a->p->in;
    void *reqs = in->reqs, *specs = a->p->req_spec;
    bool done = grow_array(&reqs, &a->alloc_reqs, in->nr_reqs, sizeof(*in->reqs));
    in->reqs = reqs;
    done = done &&
           grow_array(&specs, &a->alloc_specs, in->nr_reqs, sizeof(*a->p->req_spec));
    a->p->req_spec = specs;
    if (!done)
        return false;
    in->reqs[in->nr_reqs] = *req;
    a->p->req_spec[in->nr_reqs] = spec;
    *out = in->nr_reqs++;
    return true;
}

/* The requirement of a spec, as a limit or a need; made when first asked for. */
static bool req_of(struct assembly *a, uint32_t id, bool limit, uint32_t *out)
{
    struct cenv_spec *spec = &a->p->specs[id];
    *out = spec->req[limit];
    if (*out != CENV_NONE)
        return true;
    size_t first = a->nr_runs;
    if (!add_runs(a, spec))
        return false;
    struct cenv_req req = {spec->name, (uint32_t)first, (uint32_t)(a->nr_runs - first),
                           limit};
    bool done = find_meaning(a, &req, out);
    if (done && *out == CENV_NONE)
        done = new_req(a, id, &req, out);
    else
        a->nr_runs = first; /* the runs are there already */
    if (done)
        spec->req[limit] = *out;
    return done;
}

static bool add_edge(struct assembly *a, uint32_t id, bool limit)
{
    uint32_t req;
    const struct cenv_name *name = &a->p->names[a->p->specs[id].name];
    if (limit && !name->nr)
        return true; /* nothing of that name can be installed */
    void *edges = a->p->in.edges;
    if (!req_of(a, id, limit, &req) ||
        !grow_array(&edges, &a->alloc_edges, a->nr_edges, sizeof(*a->p->in.edges)))
        return false;
    a->p->in.edges = edges;
    a->p->in.edges[a->nr_edges++] = req;
    return true;
}

static bool add_edges(struct assembly *a, const struct cenv_candidate *cand)
{
    uint32_t nr = cand->nr_depends + cand->nr_constrains;
    for (uint32_t i = 0; i < nr; i++)
        if (!add_edge(a, a->p->links[cand->specs + i], i >= cand->nr_depends))
            return false;
    return true;
}

static bool add_names(struct assembly *a)
{
    struct cenv_problem *p = a->p;
    struct cenv_instance *in = &p->in;
    uint32_t c = 0;
    for (uint32_t n = 0; n < in->nr_names; n++) {
        const struct cenv_name *name = &p->names[n];
        in->first[n] = c;
        in->deferred[n] = name->kind == CENV_NAME_CONDITIONAL;
        for (uint32_t i = 0; i < name->nr; i++, c++) {
            const struct cenv_candidate *cand = &p->cands[name->first + i];
            in->name_of[c] = n;
            in->excluded[c] = cand->excluded;
            in->edge_first[c] = (uint32_t)a->nr_edges;
            if (!add_edges(a, cand))
                return false;
        }
    }
    in->first[in->nr_names] = c;
    in->edge_first[c] = (uint32_t)a->nr_edges;
    return true;
}

/* The candidates in the order of the instance, so that one number serves both. */
static bool number_candidates(struct assembly *a)
{
    struct cenv_problem *p = a->p;
    struct cenv_candidate *cands =
        cenv_reallocarray(NULL, p->in.nr_cands, sizeof(*cands));
    if (!cands)
        return false;
    for (uint32_t n = 0; n < p->nr_names; n++) {
        struct cenv_name *name = &p->names[n];
        for (uint32_t i = 0; i < name->nr; i++)
            cands[p->in.first[n] + i] = p->cands[name->first + i];
        name->first = p->in.first[n];
    }
    cenv_free(p->cands);
    p->cands = cands;
    p->nr_cands = p->in.nr_cands;
    return true;
}

static bool add_goals(struct assembly *a)
{
    struct cenv_problem *p = a->p;
    for (size_t i = 0; i < p->nr_roots; i++) {
        const struct cenv_root *root = &p->roots[i];
        struct cenv_goal *goal = &p->in.goals[p->in.nr_goals++];
        bool limit = root->entry && root->entry->kind == CENV_REQUEST_PINNED;
        goal->kind = root->kind >= CENV_ROOT_STRICT ? CENV_GOAL_EXCLUDE : CENV_GOAL_REQ;
        if (root->kind == CENV_ROOT_STRICT)
            goal->value = CENV_EXCLUDED_STRICT;
        else if (root->kind == CENV_ROOT_CUTOFF)
            goal->value = CENV_EXCLUDED_CUTOFF;
        else if (!req_of(a, root->spec, limit, &goal->value))
            return false;
    }
    return true;
}

static bool allocate_instance(struct assembly *a)
{
    struct cenv_problem *p = a->p;
    struct cenv_instance *in = &p->in;
    struct cenv_arena *arena = &p->arena;
    in->nr_names = (uint32_t)p->nr_names;
    for (size_t n = 0; n < p->nr_names; n++)
        in->nr_cands += p->names[n].nr;
    in->first = cenv_arena_calloc(arena, p->nr_names + 1, sizeof(*in->first));
    in->name_of = cenv_arena_calloc(arena, in->nr_cands, sizeof(*in->name_of));
    in->deferred = cenv_arena_calloc(arena, p->nr_names, sizeof(*in->deferred));
    in->excluded = cenv_arena_calloc(arena, in->nr_cands, sizeof(*in->excluded));
    in->edge_first =
        cenv_arena_calloc(arena, (size_t)in->nr_cands + 1, sizeof(*in->edge_first));
    in->goals = cenv_arena_calloc(arena, p->nr_roots, sizeof(*in->goals));
    return in->first && in->name_of && in->deferred && in->excluded && in->edge_first &&
           in->goals;
}

bool cenv_assemble_instance(struct cenv_problem *p, const uint32_t *before)
{
    struct assembly a = {.p = p, .before = before};
    /* a requirement without runs has its place among them too, which no null pointer has */
    bool done = sort_names(&a) && allocate_instance(&a) && reserve_run(&a) &&
                add_names(&a) && add_goals(&a) && number_candidates(&a);
    cenv_map_release(&a.merged);
    cenv_free(a.number);
    return done;
}
