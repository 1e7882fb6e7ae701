/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that are made up (extras, conditions) and virtual packages are no facts: see
 * solve_facts.h. */
#include "solve/solve_facts.h"

#include "base/alloc.h"
#include "solve/reach.h"

bool cenv_solve_facts_begin(struct cenv_solve_effort *effort, size_t nr)
{
    effort->variables = cenv_calloc(nr + 1, 3 * sizeof(uint32_t));
    if (!effort->variables)
        return false;
    effort->clauses = effort->variables + nr;
    effort->calls = effort->clauses + nr;
    return true;
}

void cenv_solve_facts_release(struct cenv_solve_effort *effort)
{
    cenv_free(effort->variables);
}

void cenv_solve_facts_count(struct cenv_solve_effort *effort,
                            const struct cenv_instance *in)
{
    for (uint32_t n = 0; n < in->nr_names; n++)
        effort->variables[n] += cenv_instance_size(in, n);
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        effort->variables[in->reqs[q].name]++;
}

/* A name that channels have, or could have. */
static bool is_of_channels(const struct cenv_problem *p, uint32_t n)
{
    const struct cenv_name *name = &p->names[n];

    return name->kind == CENV_NAME_PACKAGE && name->wanted &&
           !(name->nr && cenv_problem_cand(p, n, 0)->from == CENV_FROM_VIRTUAL);
}

/* ---- sources ---- */

struct source_count {
    uint64_t names, records;
    uint32_t last; /* the name that was counted last */
};

static void count_source(struct source_count *counts, size_t nr, uint32_t from,
                         uint32_t name)
{
    if (from >= nr)
        return;
    counts[from].records++;
    counts[from].names += counts[from].last != name;
    counts[from].last = name;
}

static void add_sources(const struct cenv_problem *p, struct cenv_task *task)
{
    size_t nr = cenv_index_nr_sources(p->index);
    struct source_count *counts = cenv_calloc(nr + 1, sizeof(*counts));

    for (size_t i = 0; counts && i < nr; i++)
        counts[i].last = CENV_NONE;
    for (uint32_t n = 0; counts && n < p->nr_names; n++)
        for (uint32_t i = 0;
             p->names[n].kind == CENV_NAME_PACKAGE && i < p->names[n].nr; i++)
            count_source(counts, nr, cenv_problem_cand(p, n, i)->from, n);
    for (size_t i = 0; counts && i < nr; i++) {
        const struct cenv_record_origin *origin = cenv_index_origin(p->index, i);
        struct cenv_fact fact = {.kind = CENV_FACT_SOURCE,
                                 .texts = {origin->channel, origin->subdir},
                                 .numbers = {cenv_index_nr_entries(p->index, i),
                                             counts[i].names, counts[i].records}};
        cenv_task_fact(task, &fact);
    }
    cenv_free(counts);
}

/* ---- names and specs ---- */

static void add_name(const struct cenv_problem *p, const struct cenv_reach *reach,
                     const struct cenv_solve_effort *effort, uint32_t n,
                     struct cenv_task *task)
{
    uint32_t from = reach->from[n], spec = reach->spec[n];
    struct cenv_fact fact = {.kind = CENV_FACT_NAME, .texts = {p->names[n].text}};

    if (spec != CENV_NONE) {
        fact.texts[2] = p->specs[spec].text;
        fact.texts[1] = from == CENV_NONE ? fact.texts[2] : p->names[from].text;
    }
    fact.numbers[0] = p->names[n].nr;
    fact.numbers[1] = effort->variables[n];
    fact.numbers[2] = effort->clauses[n];
    fact.numbers[3] = effort->calls[n];
    cenv_task_fact(task, &fact);
}

static void add_specs(const struct cenv_problem *p, const struct cenv_reach *reach,
                      struct cenv_task *task)
{
    const struct cenv_request *r = p->request;
    struct cenv_fact *facts = cenv_calloc(r->nr_entries + 1, sizeof(*facts));

    for (uint32_t n = 0; facts && n < p->nr_names; n++)
        if (reach->sole[n] < r->nr_entries && is_of_channels(p, n)) {
            facts[reach->sole[n]].numbers[0]++;
            facts[reach->sole[n]].numbers[1] += p->names[n].nr;
        }
    for (size_t i = 0; facts && i < r->nr_entries; i++) {
        if (r->entries[i].kind != CENV_REQUEST_SPEC)
            continue;
        facts[i].kind = CENV_FACT_SPEC;
        facts[i].texts[0] = r->entries[i].text;
        cenv_task_fact(task, &facts[i]);
    }
    cenv_free(facts);
}

void cenv_solve_facts_add(const struct cenv_problem *p,
                          const struct cenv_solve_effort *effort,
                          const struct cenv_sat_stats *stats, struct cenv_task *task)
{
    struct cenv_fact solver = {
        .kind = CENV_FACT_SOLVER,
        .numbers = {stats->variables, stats->clauses, stats->solves, stats->conflicts}};
    struct cenv_reach reach = {NULL, NULL, NULL};

    cenv_task_fact(task, &solver);
    add_sources(p, task);
    if (cenv_reach_find(&reach, p)) {
        for (uint32_t n = 0; n < p->nr_names; n++)
            if (is_of_channels(p, n))
                add_name(p, &reach, effort, n, task);
        add_specs(p, &reach, task);
    }
    cenv_reach_release(&reach);
}
