/* SPDX-License-Identifier: BSD-3-Clause */
/* Unsat cores of small random instances: what is left is refuted, and less has a solution. */
#include "explain/unsat_core.h"
#include "small_instance.h"

/* Some choice meets all goals of `keep`. */
static bool is_solvable(const struct small *s, const bool *keep)
{
    struct small part = *s;
    uint32_t best[NAMES];
    part.in.nr_goals = 0;
    part.in.goals = part.goals;
    for (uint32_t i = 0; i < s->in.nr_goals; i++)
        if (keep[i])
            part.goals[part.in.nr_goals++] = s->goals[i];
    return search_exhaustively(&part.in, best);
}

static int find_core(const struct small *s, struct cenv_unsat_core *core,
                     struct cenv_arena *arena)
{
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_unsat_core_find(core, &s->in, NULL, arena, &task, &err);
    cenv_task_release(&task);
    return rc;
}

/* Each goal of the core is needed for the refutation. */
static void check_goals(const struct small *s, const struct cenv_unsat_core *core)
{
    bool keep[GOALS];
    uint32_t nr = 0;
    memcpy(keep, core->goals, s->in.nr_goals * sizeof(*keep));
    CHECK(!is_solvable(s, keep));
    for (uint32_t i = 0; i < s->in.nr_goals; i++) {
        if (!keep[i])
            continue;
        nr++;
        keep[i] = false;
        CHECK(is_solvable(s, keep));
        keep[i] = true;
    }
    CHECK_INT(core->nr_goals, nr);
}

/* Only the edges of the core's requirements, less `without` when it is one. */
static struct small strip_edges(const struct small *s,
                                const struct cenv_unsat_core *core, uint32_t without)
{
    struct small part = *s;
    uint32_t nr = 0;
    for (uint32_t c = 0; c < s->in.nr_cands; c++) {
        uint32_t first = nr;
        for (uint32_t k = s->edge_first[c]; k < s->edge_first[c + 1]; k++)
            if (core->reqs[s->edges[k]] && s->edges[k] != without)
                part.edges[nr++] = s->edges[k];
        part.edge_first[c] = first;
    }
    part.edge_first[s->in.nr_cands] = nr;
    part.in.edge_first = part.edge_first;
    part.in.edges = part.edges;
    return part;
}

/* The requirements of candidates that the core has refute by themselves, and none can go. */
static void check_reqs(const struct small *s, const struct cenv_unsat_core *core)
{
    struct small part = strip_edges(s, core, UINT32_MAX);
    part.in.edge_first = part.edge_first;
    part.in.edges = part.edges;
    CHECK(!is_solvable(&part, core->goals));
    for (uint32_t q = 0; core->minimal && q < s->in.nr_reqs; q++) {
        if (!core->reqs[q])
            continue;
        part = strip_edges(s, core, q);
        part.in.edge_first = part.edge_first;
        part.in.edges = part.edges;
        CHECK(is_solvable(&part, core->goals));
    }
}

static void test_unsat_core__is_minimal(void)
{
    int refuted = 0;
    for (uint32_t round = 0; round < 600; round++) {
        struct small s;
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_unsat_core core;
        bool all[GOALS];
        char label[32];
        snprintf(label, sizeof(label), "seed %u", seed);
        check_case(label);
        make_small(&s);
        memset(all, true, sizeof(all));
        int rc = find_core(&s, &core, &arena);
        CHECK_INT(rc, !is_solvable(&s, all));
        if (rc > 0) {
            refuted++;
            check_goals(&s, &core);
            check_reqs(&s, &core);
        }
        cenv_arena_release(&arena);
    }
    CHECK(refuted > 50);
}

int main(void)
{
    RUN(test_unsat_core__is_minimal);
    return check_report();
}
