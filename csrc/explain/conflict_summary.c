/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See conflict_summary.h. Long trees of a conflict between two specs often say one thing again and again:
 * whatever is chosen here ends at an old zlib, whatever is chosen there at a new one.
 */
#include "explain/conflict_summary.h"

#include <string.h>

#include "explain/propagate.h"
#include "explain/wording.h"

enum { MAX_WAY = 8 };

struct side {
    bool *items;
    struct cenv_implied implied;
};

struct meeting {
    const struct cenv_problem *p;
    const struct cenv_core *core;
    struct cenv_arena arena;
    struct side one, rest;
    struct cenv_error *err;
};

static bool is_wish(const struct meeting *m, uint32_t item)
{
    return m->core->items[item] && m->p->asked[item].kind == CENV_ASKED_WISH;
}

/* Splits the core into the one wish and all else; the machine is on both sides. */
static int split(struct meeting *m, uint32_t item)
{
    const struct cenv_instance *in = &m->p->in;
    for (uint32_t i = 0; i < in->nr_items; i++) {
        bool shared = m->core->items[i] && !is_wish(m, i);
        m->one.items[i] = shared || i == item;
        m->rest.items[i] = shared || (m->core->items[i] && i != item);
    }
    int rc = cenv_implied_find(&m->one.implied, in, m->core, m->one.items, &m->arena,
                               m->err);
    return rc < 0 ? rc
                  : cenv_implied_find(&m->rest.implied, in, m->core, m->rest.items,
                                      &m->arena, m->err);
}

/* One side needs the name, the other at least limits it, and no candidate suits both. */
static bool meets_at(const struct meeting *m, uint32_t name)
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
static uint32_t find_name(const struct meeting *m)
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
static void print_way(const struct meeting *m, const struct side *side, uint32_t name,
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

/* What of the side was asked for, the shared settings left out; how many that are. */
static uint32_t print_wishes(const struct meeting *m, const struct side *side,
                             struct cenv_buf *out)
{
    uint32_t nr = 0;
    for (uint32_t i = 0; i < m->p->in.nr_items; i++) {
        if (!side->items[i] || !is_wish(m, i))
            continue;
        cenv_buf_puts(out, nr++ ? " and " : "");
        cenv_asked_print(m->p, i, out);
    }
    return nr;
}

static int print_side(struct meeting *m, const struct side *side, uint32_t name,
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
    cenv_buf_puts(out, print_wishes(m, side, out) > 1 ? " lead to " : " leads to ");
    cenv_buf_addf(out, "%.*s ", CENV_STR_ARG(m->p->names[name].text));
    cenv_versions_print(m->p, left, nr, out);
    print_way(m, side, name, out);
    cenv_buf_putc(out, '\n');
    return 0;
}

/* 1 and printed, 0 or a status. A side that is refuted by itself leads nowhere. */
static int try_wish(struct meeting *m, uint32_t item, struct cenv_buf *out)
{
    int rc = split(m, item);
    if (rc < 0 || m->one.implied.empty || m->rest.implied.empty)
        return rc;
    uint32_t name = find_name(m);
    if (name == CENV_NONE)
        return 0;
    rc = print_side(m, &m->one, name, "├─ ", out);
    rc = rc < 0 ? rc : print_side(m, &m->rest, name, "└─ ", out);
    return rc < 0 ? rc : 1;
}

int cenv_meeting_print(const struct cenv_problem *p, const struct cenv_core *core,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct meeting m = {.p = p, .core = core, .err = err};
    uint32_t nr = p->in.nr_items, wishes = 0;
    m.one.items = cenv_arena_calloc(&m.arena, nr, sizeof(*m.one.items));
    m.rest.items = cenv_arena_calloc(&m.arena, nr, sizeof(*m.rest.items));
    int rc = m.one.items && m.rest.items ? 0 : cenv_error_oom(err);
    for (uint32_t i = 0; i < nr; i++)
        wishes += is_wish(&m, i);
    for (uint32_t i = 0; rc == 0 && wishes > 1 && i < nr; i++)
        if (is_wish(&m, i))
            rc = try_wish(&m, i, out);
    cenv_arena_release(&m.arena);
    return rc;
}
