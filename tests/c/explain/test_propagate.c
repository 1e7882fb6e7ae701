/* SPDX-License-Identifier: BSD-3-Clause */
/* Propagation: what it says of an unsat core holds in every choice that meets some of its goals. */
#include "explain/propagate.h"
#include "small_instance.h"

/* The candidates keep only the edges that the core has. */
static void keep_core_edges(struct small *s, const struct cenv_unsat_core *core)
{
    uint32_t nr = 0;
    for (uint32_t c = 0; c < s->in.nr_cands; c++) {
        uint32_t k = s->edge_first[c], end = s->edge_first[c + 1];
        s->edge_first[c] = nr;
        for (; k < end; k++)
            if (core->reqs[s->edges[k]])
                s->edges[nr++] = s->edges[k];
    }
    s->edge_first[s->in.nr_cands] = nr;
}

/* The goals of the core, less the last one that asks for a requirement. */
static void drop_goal(const struct small *s, const struct cenv_unsat_core *core,
                      bool *keep)
{
    uint32_t i = s->in.nr_goals;
    memcpy(keep, core->goals, i * sizeof(*keep));
    while (i-- > 0)
        if (keep[i] && s->goals[i].kind == CENV_GOAL_REQ) {
            keep[i] = false;
            return;
        }
}

static bool meets(const struct small *s, const bool *keep, const uint32_t *choice)
{
    struct small part = *s;
    part.in.goals = part.goals;
    part.in.nr_goals = 0;
    for (uint32_t i = 0; i < s->in.nr_goals; i++)
        if (keep[i])
            part.goals[part.in.nr_goals++] = s->goals[i];
    return is_valid(&part.in, choice);
}

static void check_choice(const struct small *s, const struct cenv_implied *implied,
                         const uint32_t *choice)
{
    CHECK(!implied->empty);
    for (uint32_t n = 0; n < s->in.nr_names; n++) {
        CHECK(!implied->installed[n] || choice[n] != CENV_ABSENT);
        if (choice[n] != CENV_ABSENT)
            CHECK(!implied->out[s->first[n] + choice[n]]);
    }
    for (uint32_t q = 0; q < s->in.nr_reqs; q++)
        CHECK(implied->by[q] == CENV_NONE || req_holds(&s->in, q, choice));
}

/* Returns how many choices meet the goals. */
static uint32_t check_core(struct small *s, const struct cenv_unsat_core *core,
                           struct cenv_arena *arena)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_implied implied;
    uint32_t choice[NAMES], nr = 0;
    bool keep[GOALS];
    drop_goal(s, core, keep);
    CHECK_INT(cenv_propagate_goals(&implied, &s->in, core, keep, arena, &err), 0);
    keep_core_edges(s, core);
    memset(choice, 0xff, sizeof(choice));
    do {
        if (!meets(s, keep, choice))
            continue;
        check_choice(s, &implied, choice);
        nr++;
    } while (next_choice(&s->in, choice));
    return nr;
}

static void test_propagate__holds_in_every_choice(void)
{
    uint32_t choices = 0;
    for (uint32_t round = 0; round < 600; round++) {
        struct small s;
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_task task;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_unsat_core core;
        char label[32];
        snprintf(label, sizeof(label), "seed %u", seed);
        check_case(label);
        make_small(&s);
        cenv_task_init(&task, NULL, NULL);
        if (cenv_unsat_core_find(&core, &s.in, NULL, &arena, &task, &err) > 0)
            choices += check_core(&s, &core, &arena);
        cenv_task_release(&task);
        cenv_arena_release(&arena);
    }
    CHECK(choices > 1000);
}

int main(void)
{
    RUN(test_propagate__holds_in_every_choice);
    return check_report();
}
