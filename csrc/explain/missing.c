/* SPDX-License-Identifier: BSD-3-Clause */
/* See missing.h. */
#include "explain/missing.h"

#include "model/dist.h"

static bool is_missing(const struct cenv_problem *p, uint32_t i)
{
    const struct cenv_root *root = &p->roots[i];
    if (root->kind != CENV_ROOT_ENTRY || root->entry->kind == CENV_REQUEST_PINNED)
        return false;
    uint32_t name = p->specs[root->spec].name;
    struct cenv_dist dist;
    if (p->names[name].kind == CENV_NAME_NAMELESS)
        return !p->names[name].nr;
    if (p->names[name].kind != CENV_NAME_PACKAGE || p->names[name].nr ||
        cenv_str_starts(p->names[name].text, CENV_STR("__")))
        return false;
    for (const struct cenv_skip *skip = p->skips.first; skip; skip = skip->next)
        if (cenv_dist_split(&dist, skip->fn) &&
            cenv_str_eq(dist.name, p->names[name].text))
            return false; /* there, but unusable */
    return true;
}

static void find_near(const struct cenv_explainer *e, struct cenv_str name,
                      struct cenv_nearname *near)
{
    cenv_nearname_init(near, name);
    for (size_t i = 0; i < cenv_index_nr_sources(e->p.index); i++) {
        for (size_t k = 0; k < cenv_index_nr_names(e->p.index, i); k++)
            cenv_nearname_offer(near, cenv_index_name(e->p.index, i, k));
    }
}

static void add_missing(struct cenv_explainer *e, uint32_t goal)
{
    struct cenv_missing_name *missing = &e->missing[e->nr_missing++];
    const struct cenv_name *name = &e->p.names[e->p.specs[e->p.roots[goal].spec].name];
    bool nameless = name->kind == CENV_NAME_NAMELESS;
    missing->goal = goal;
    missing->name = name->text;
    if (!nameless)
        find_near(e, missing->name, &missing->near);
    e->conflict[e->nr_conflict++] = goal;
    cenv_buf_addf(&e->text, "no channel has a package %s %.*s\n",
                  nameless ? "that matches" : "named", CENV_STR_ARG(missing->name));
}

int cenv_missing_find(struct cenv_explainer *e)
{
    uint32_t nr = 0;
    for (uint32_t i = 0; i < e->p.in.nr_goals; i++)
        nr += is_missing(&e->p, i);
    e->missing = cenv_arena_calloc(&e->arena, nr, sizeof(*e->missing));
    if (!e->missing)
        return cenv_error_oom(e->err);
    for (uint32_t i = 0; i < e->p.in.nr_goals; i++)
        if (is_missing(&e->p, i))
            add_missing(e, i);
    return 0;
}
