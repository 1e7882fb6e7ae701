/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See conflict_summary.h. Long trees of a conflict between two specs often say one thing again
 * and again: whatever is chosen here ends at an old zlib, whatever is chosen there at a new one.
 */
#include "explain/conflict_summary.h"

#include <string.h>

#include "explain/propagate.h"
#include "explain/wording.h"

enum { MAX_WAY = 8 };

struct side {
    bool *goals;
    struct cenv_implied implied;
};

struct summary {
    const struct cenv_problem *p;
    const struct cenv_unsat_core *core;
    struct cenv_arena arena;
    struct side one, rest;
    struct cenv_error *err;
};

static bool is_entry(const struct summary *m, uint32_t goal)
{
    return m->core->goals[goal] && m->p->roots[goal].kind == CENV_ROOT_ENTRY;
}

/* Splits the core into the one entry and all else; the machine is on both sides. */
static int split_sides(struct summary *m, uint32_t goal)
{
    const struct cenv_instance *in = &m->p->in;
    for (uint32_t i = 0; i < in->nr_goals; i++) {
        bool shared = m->core->goals[i] && !is_entry(m, i);
        m->one.goals[i] = shared || i == goal;
        m->rest.goals[i] = shared || (m->core->goals[i] && i != goal);
    }
    int rc = cenv_propagate_goals(&m->one.implied, in, m->core, m->one.goals, &m->arena,
                                  m->err);
    if (rc < 0)
        return rc;
    return cenv_propagate_goals(&m->rest.implied, in, m->core, m->rest.goals, &m->arena,
                                m->err);
}

/* One side needs the name, the other at least limits it, and no candidate suits both. */
static bool meets_at(const struct summary *m, uint32_t name)
{
    const struct cenv_instance *in = &m->p->in;
    const struct cenv_implied *a = &m->one.implied, *b = &m->rest.implied;
    bool apart =
        a->installed[name] && b->installed[name] && cenv_instance_size(in, name);
    for (uint32_t c = in->first[name]; apart && c < in->first[name + 1]; c++)
        apart = a->out[c] || b->out[c];
    return apart;
}

/* How many steps lead to the name from what is asked for. */
static uint32_t distance(const struct side *side, uint32_t name)
{
    uint32_t steps = 0;
    while (side->implied.via[name] != CENV_NONE && steps < MAX_WAY) {
        name = side->implied.via[name];
        steps++;
    }
    return steps;
}

/* The nearest name at which the sides meet, or CENV_NONE. */
static uint32_t find_name(const struct summary *m)
{
    uint32_t best = CENV_NONE, nearest = UINT32_MAX;
    for (uint32_t n = 0; n < m->p->in.nr_names; n++) {
        if (!meets_at(m, n))
            continue;
        uint32_t steps = distance(&m->one, n) + distance(&m->rest, n);
        if (steps < nearest) {
            best = n;
            nearest = steps;
        }
    }
    return best;
}

/* " (through a, b)": the names between what is asked for and this one. */
static void print_way(const struct summary *m, const struct side *side, uint32_t name,
                      struct cenv_buf *out)
{
    uint32_t way[MAX_WAY], nr = 0;
    for (uint32_t at = side->implied.via[name]; at != CENV_NONE && nr < MAX_WAY;
         at = side->implied.via[at])
        way[nr++] = at;
    for (uint32_t i = nr > 0 ? nr - 1 : 0; i-- > 0;)
        cenv_buf_addf(out, "%s%.*s", i + 2 == nr ? " (through " : ", ",
                      CENV_STR_ARG(m->p->names[way[i]].text));
    cenv_buf_puts(out, nr > 1 ? ")" : "");
}

/* Prints what of the side was asked for, without the settings that both share; returns how
 * many. */
static uint32_t print_entries(const struct summary *m, const struct side *side,
                              struct cenv_buf *out)
{
    uint32_t nr = 0;
    for (uint32_t i = 0; i < m->p->in.nr_goals; i++) {
        if (!side->goals[i] || !is_entry(m, i))
            continue;
        cenv_buf_puts(out, nr++ ? " and " : "");
        cenv_wording_print_root(m->p, i, out);
    }
    return nr;
}

static int print_side(struct summary *m, const struct side *side, uint32_t name,
                      const char *branch, struct cenv_buf *out)
{
    const struct cenv_instance *in = &m->p->in;
    uint32_t nr = 0;
    uint32_t *left =
        cenv_arena_calloc(&m->arena, cenv_instance_size(in, name) + 1, sizeof(*left));
    if (!left)
        return cenv_error_oom(m->err);
    for (uint32_t c = in->first[name]; c < in->first[name + 1]; c++)
        if (!side->implied.out[c])
            left[nr++] = c;
    cenv_buf_puts(out, branch);
    cenv_buf_puts(out, print_entries(m, side, out) > 1 ? " lead to " : " leads to ");
    cenv_buf_addf(out, "%.*s ", CENV_STR_ARG(m->p->names[name].text));
    cenv_wording_print_versions(m->p, left, nr, out);
    print_way(m, side, name, out);
    cenv_buf_putc(out, '\n');
    return 0;
}

/* Returns 1 when it has printed the sides, 0 or a status. A side that is refuted by itself leads
 * nowhere. */
static int try_entry(struct summary *m, uint32_t goal, struct cenv_buf *out)
{
    int rc = split_sides(m, goal);
    if (rc < 0 || m->one.implied.empty || m->rest.implied.empty)
        return rc;
    uint32_t name = find_name(m);
    if (name == CENV_NONE)
        return 0;
    rc = print_side(m, &m->one, name, "├─ ", out);
    if (rc == 0)
        rc = print_side(m, &m->rest, name, "└─ ", out);
    return rc < 0 ? rc : 1;
}

int cenv_conflict_summary_print(const struct cenv_problem *p,
                                const struct cenv_unsat_core *core,
                                struct cenv_buf *out, struct cenv_error *err)
{
    struct summary m = {.p = p, .core = core, .err = err};
    uint32_t nr = p->in.nr_goals, entries = 0;
    m.one.goals = cenv_arena_calloc(&m.arena, nr, sizeof(*m.one.goals));
    m.rest.goals = cenv_arena_calloc(&m.arena, nr, sizeof(*m.rest.goals));
    int rc = m.one.goals && m.rest.goals ? 0 : cenv_error_oom(err);
    for (uint32_t i = 0; i < nr; i++)
        entries += is_entry(&m, i);
    for (uint32_t i = 0; rc == 0 && entries > 1 && i < nr; i++)
        if (is_entry(&m, i))
            rc = try_entry(&m, i, out);
    cenv_arena_release(&m.arena);
    return rc;
}
