/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of a core: see conflict_tree.h.
 *
 * Under each asked spec stand the candidates it allows, grouped by why they cannot be; under each
 * need the candidates that meet it, and so on. A need that all its candidates fail for one reason
 * ends the branch; candidates that run into the same end share a line, and a candidate that has
 * such a need is told by it alone. What rules out must hold in any case (propagate.h); where it
 * only does in some, the line says what cannot go with what. Every requirement is unfolded once.
 */
#include "explain/conflict_tree.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "explain/propagate.h"
#include "explain/wording.h"

enum { MAX_DEPTH = 24, MAX_TEXTS = 3, LINE_MAX_BYTES = 1 << 16 };

struct node {
    struct cenv_str text;
    struct node *first, *last, *next;
};

/* The one reason for which a requirement cannot be met. */
struct ending {
    enum ending_kind {
        END_UNKNOWN,
        END_NONE,     /* there is no single one */
        END_LACK,     /* nothing matches it */
        END_EXCLUDED, /* `by` is the setting's reason */
        END_RULED,    /* `by` is a requirement that holds */
        END_NEEDED, /* `by` is a name that needs others of this one, in several ways */
    } kind;
    uint32_t by;
};

/* Candidates in the same position: of one ending, or of equal needs. */
struct group {
    struct ending end; /* of kind END_NONE: by its needs */
    bool sometimes;    /* a requirement that does not hold in any case rules it out */
    bool told;         /* together with another group */
    uint32_t *needs;
    uint32_t nr_needs;
    uint32_t *cands;
    uint32_t nr;
    struct group *next;
};

struct tree {
    const struct cenv_problem *p;
    const struct cenv_unsat_core *core;
    struct cenv_arena arena;
    struct cenv_implied i;
    uint32_t *implied;      /* i.by: why a requirement holds */
    bool *reachable;        /* by name: from what is asked for, along the core */
    struct ending *endings; /* by requirement, as far as they were asked for */
    bool *shown;            /* by requirement: unfolded already, or named as a reason */
    uint32_t *relevant;     /* requirements that hold or are in the core */
    uint32_t nr_relevant;
    bool failed; /* sticky: out of memory */
    uint32_t nr_lines, nr_left_out;
};

static struct node *add_node(struct tree *t, struct node *parent,
                             const struct cenv_buf *text)
{
    struct node *node = cenv_arena_calloc(&t->arena, 1, sizeof(*node));
    struct cenv_str own = cenv_arena_str(&t->arena, cenv_buf_str(text));
    if (!node || !own.data || text->failed) {
        t->failed = true;
        return parent;
    }
    node->text = own;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    t->nr_lines++;
    return node;
}

/* ---- why a requirement or a candidate cannot be ---- */

static bool meets_req(const struct tree *t, uint32_t q, uint32_t cand)
{
    const struct cenv_instance *in = &t->p->in;
    return cenv_instance_allows(in, &in->reqs[q], cand - in->first[in->name_of[cand]]);
}

static bool by_goal(const struct tree *t, uint32_t q)
{
    return t->implied[q] != CENV_NONE && (t->implied[q] & CENV_IMPLIED_GOAL);
}

/*
 * A requirement of the candidate's name that it does not meet: asked for, else one that holds in
 * any case, else (with `any`) one of the core. CENV_NONE: there is none.
 */
static uint32_t excluder(const struct tree *t, uint32_t req, uint32_t cand, bool any)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t found = CENV_NONE;
    for (uint32_t i = 0; i < t->nr_relevant; i++) {
        uint32_t q = t->relevant[i];
        bool holds = t->implied[q] != CENV_NONE;
        if (q == req || in->reqs[q].name != in->name_of[cand] ||
            !(holds || (any && t->core->reqs[q])) || meets_req(t, q, cand))
            continue;
        if (by_goal(t, q))
            return q;
        found = found == CENV_NONE ? q : found;
    }
    return found;
}

static struct ending ending_of_cand(const struct tree *t, uint32_t req, uint32_t cand)
{
    uint32_t reason = cenv_propagate_exclusion(&t->p->in, t->core, cand);
    if (reason)
        return (struct ending){END_EXCLUDED, reason};
    uint32_t by = excluder(t, req, cand, false);
    if (by != CENV_NONE)
        return (struct ending){END_RULED, by};
    by = t->i.none[cand];
    return (struct ending){by == CENV_NONE ? END_NONE : END_NEEDED, by};
}

/* A limit ends at what wants its name otherwise. */
static struct ending find_limit_ending(const struct tree *t, uint32_t req)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t name = in->reqs[req].name;
    for (uint32_t i = 0; i < t->nr_relevant; i++) {
        uint32_t q = t->relevant[i];
        bool apart = q != req && in->reqs[q].name == name && !in->reqs[q].limit &&
                     t->implied[q] != CENV_NONE && in->reqs[q].nr_runs;
        for (uint32_t c = in->first[name]; apart && c < in->first[name + 1]; c++)
            apart = !meets_req(t, q, c) || !meets_req(t, req, c);
        if (apart)
            return (struct ending){END_RULED, q};
    }
    return (struct ending){END_NONE, CENV_NONE};
}

static struct ending find_ending(const struct tree *t, uint32_t req)
{
    const struct cenv_instance *in = &t->p->in;
    const struct cenv_req *r = &in->reqs[req];
    struct ending found = {END_LACK, r->name};
    bool first = true;
    if (r->limit &&
        (r->nr_runs || !cenv_str_starts(t->p->names[r->name].text, CENV_STR("__"))))
        return find_limit_ending(t, req);
    for (uint32_t c = in->first[r->name]; c < in->first[r->name + 1]; c++) {
        if (!meets_req(t, req, c))
            continue;
        struct ending own = ending_of_cand(t, req, c);
        if (own.kind == END_NONE ||
            (!first && (own.kind != found.kind || own.by != found.by)))
            return (struct ending){END_NONE, CENV_NONE};
        found = own;
        first = false;
    }
    return found;
}

static struct ending ending_of(struct tree *t, uint32_t req)
{
    if (t->endings[req].kind == END_UNKNOWN)
        t->endings[req] = find_ending(t, req);
    return t->endings[req];
}

/* ---- candidates, grouped ---- */

/* The candidate's requirements that are in the core; if one has an ending, that one alone. */
static void find_needs(struct tree *t, uint32_t cand, struct group *g)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t from = in->edge_first[cand], to = in->edge_first[cand + 1];
    g->needs = cenv_arena_calloc(&t->arena, (size_t)to - from + 1, sizeof(*g->needs));
    t->failed |= !g->needs;
    for (uint32_t k = from; !t->failed && k < to; k++) {
        if (!t->core->reqs[in->edges[k]])
            continue;
        g->needs[g->nr_needs++] = in->edges[k];
        if (ending_of(t, in->edges[k]).kind != END_NONE) {
            g->needs[0] = in->edges[k];
            g->nr_needs = 1;
            return;
        }
    }
}

static struct group position_of(struct tree *t, uint32_t req, uint32_t cand)
{
    struct group g = {.end = ending_of_cand(t, req, cand)};
    if (g.end.kind == END_NONE)
        find_needs(t, cand, &g);
    if (g.end.kind == END_NONE && !g.nr_needs) {
        g.end.by = excluder(t, req, cand, true);
        g.sometimes = g.end.by != CENV_NONE;
        g.end.kind = g.sometimes ? END_RULED : END_NONE;
    }
    return g;
}

static bool same_group(const struct group *a, const struct group *b)
{
    if (a->end.kind != END_NONE || b->end.kind != END_NONE)
        return a->end.kind == b->end.kind && a->end.by == b->end.by;
    return a->nr_needs == b->nr_needs &&
           (!a->nr_needs ||
            !memcmp(a->needs, b->needs, a->nr_needs * sizeof(*a->needs)));
}

/* Adds the candidate to the group of its position, which may be new. */
static void put_in_group(struct tree *t, struct group **groups, const struct group *at,
                         uint32_t cand, uint32_t room)
{
    struct group **link = groups;
    while (*link && !same_group(*link, at))
        link = &(*link)->next;
    if (!*link) {
        struct group *g = cenv_arena_calloc(&t->arena, 1, sizeof(*g));
        uint32_t *cands = cenv_arena_calloc(&t->arena, room, sizeof(*cands));
        if (!g || !cands) {
            t->failed = true;
            return;
        }
        *g = *at;
        g->cands = cands;
        *link = g;
    }
    (*link)->cands[(*link)->nr++] = cand;
}

static struct group *group_candidates(struct tree *t, uint32_t req)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t name = in->reqs[req].name;
    struct group *groups = NULL;
    for (uint32_t c = in->first[name]; c < in->first[name + 1] && !t->failed; c++) {
        if (!meets_req(t, req, c))
            continue;
        struct group at = position_of(t, req, c);
        put_in_group(t, &groups, &at, c, cenv_instance_size(in, name));
    }
    return groups;
}

/* Groups whose only needs are of one name and end alike become one, of several needs' texts. */
static void merge_groups(struct tree *t, struct group *groups)
{
    const struct cenv_instance *in = &t->p->in;
    for (struct group *g = groups; g; g = g->next) {
        if (g->told || g->nr_needs != 1 || in->reqs[g->needs[0]].limit)
            continue;
        struct ending end = ending_of(t, g->needs[0]);
        for (struct group *other = g->next; other && end.kind != END_NONE;
             other = other->next) {
            struct ending also = {END_NONE, CENV_NONE};
            if (!other->told && other->nr_needs == 1 &&
                !in->reqs[other->needs[0]].limit &&
                in->reqs[other->needs[0]].name == in->reqs[g->needs[0]].name)
                also = ending_of(t, other->needs[0]);
            if (also.kind != end.kind || also.by != end.by)
                continue;
            uint32_t *needs =
                cenv_arena_calloc(&t->arena, (size_t)g->nr_needs + 1, sizeof(*needs));
            t->failed |= !needs;
            if (!needs)
                return;
            memcpy(needs, g->needs, g->nr_needs * sizeof(*needs));
            needs[g->nr_needs++] = other->needs[0];
            g->needs = needs;
            memcpy(g->cands + g->nr, other->cands, other->nr * sizeof(*g->cands));
            g->nr += other->nr;
            other->told = true;
        }
    }
}

/* ---- lines ---- */

/* "a 1.0 | 2.0", of a spec that names no package "a | b"; returns whether that is more than one. */
static bool print_cands(const struct tree *t, const uint32_t *cands, uint32_t nr,
                        struct cenv_buf *out)
{
    const struct cenv_name *name = &t->p->names[t->p->in.name_of[cands[0]]];
    if (name->kind != CENV_NAME_NAMELESS)
        cenv_buf_addf(out, "%.*s ", CENV_STR_ARG(name->text));
    return cenv_wording_print_versions(t->p, cands, nr, out) > 1;
}

/* Whose needs are told: of what is left of names that are installed, of such names, of any. */
enum telling { TELL_LEFT, TELL_INSTALLED, TELL_ANY };

static bool is_telling(const struct tree *t, uint32_t cand, enum telling who)
{
    uint32_t name = t->p->in.name_of[cand];
    return t->reachable[name] && (who == TELL_ANY || t->i.installed[name]) &&
           (who != TELL_LEFT || excluder(t, CENV_NONE, cand, false) == CENV_NONE);
}

/* Candidates of one name that have the requirement; returns how many. */
static uint32_t find_needers(const struct tree *t, uint32_t req, enum telling who,
                             uint32_t *cands)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t nr = 0;
    for (uint32_t c = 0; c < in->nr_cands; c++) {
        if (nr && in->name_of[cands[0]] != in->name_of[c])
            break;
        for (uint32_t k = in->edge_first[c]; k < in->edge_first[c + 1]; k++)
            if (in->edges[k] == req && is_telling(t, c, who)) {
                cands[nr++] = c;
                break;
            }
    }
    return nr;
}

/* "b needs c >=2", of the name by which it holds; of a need of some, which of them have it. */
static void print_needers(struct tree *t, uint32_t req, struct cenv_buf *out)
{
    const struct cenv_instance *in = &t->p->in;
    bool some = t->implied[req] == CENV_NONE, many = false;
    uint32_t *cands = cenv_arena_calloc(&t->arena, in->nr_cands + 1, sizeof(*cands));
    t->failed |= !cands;
    if (!cands)
        return;
    uint32_t nr = 0;
    for (enum telling who = TELL_LEFT; some && !nr && who <= TELL_ANY; who++)
        nr = find_needers(t, req, who, cands);
    if (nr)
        many = print_cands(t, cands, nr, out);
    else if (!some)
        cenv_buf_add_str(out, t->p->names[t->implied[req]].text);
    const char *verb = in->reqs[req].limit ? "allow" : "need";
    cenv_buf_addf(out, "%s %s%s %s%.*s", some ? ", which" : "", verb, many ? "" : "s",
                  in->reqs[req].limit ? "only " : "",
                  CENV_STR_ARG(cenv_wording_req_text(t->p, req)));
}

static void print_excluder(struct tree *t, uint32_t req, struct cenv_buf *out)
{
    if (by_goal(t, req)) {
        cenv_wording_print_goal(t->p, t->implied[req] & ~CENV_IMPLIED_GOAL, out);
        t->shown[req] = true;
    } else {
        print_needers(t, req, out);
    }
}

/* "b needs c >=1,<2 or >=2,<3": what candidates of `by` need of the name, if it is short. */
static void print_needed(const struct tree *t, uint32_t by, uint32_t name,
                         struct cenv_buf *out)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t told[MAX_TEXTS], nr = 0, k = in->edge_first[in->first[by]];
    for (; k < in->edge_first[in->first[by + 1]]; k++) {
        uint32_t q = in->edges[k], i = 0;
        if (in->reqs[q].name != name || in->reqs[q].limit || !t->core->reqs[q])
            continue;
        while (i < nr && told[i] != q)
            i++;
        if (i < nr)
            continue;
        if (nr == MAX_TEXTS) {
            cenv_buf_puts(out, " or others");
            return;
        }
        if (nr)
            cenv_buf_addf(out, " or %.*s",
                          CENV_STR_ARG(cenv_wording_req_rest(t->p, q)));
        else
            cenv_buf_addf(out, "%.*s needs %.*s", CENV_STR_ARG(t->p->names[by].text),
                          CENV_STR_ARG(cenv_wording_req_text(t->p, q)));
        told[nr++] = q;
    }
}

/* Names all that meets the requirement, which is excluded. */
static void print_all_excluded(struct tree *t, uint32_t req, uint32_t reason,
                               struct cenv_buf *out)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t name = in->reqs[req].name, nr = 0;
    uint32_t *cands =
        cenv_arena_calloc(&t->arena, cenv_instance_size(in, name) + 1, sizeof(*cands));
    t->failed |= !cands;
    for (uint32_t c = in->first[name]; cands && c < in->first[name + 1]; c++)
        if (meets_req(t, req, c))
            cands[nr++] = c;
    if (!nr)
        return;
    bool many = print_cands(t, cands, nr, out);
    cenv_buf_putc(out, ' ');
    cenv_wording_print_exclusion(t->p, cands[0], reason, many, out);
}

static void print_ending(struct tree *t, uint32_t req, struct cenv_buf *out)
{
    struct ending end = ending_of(t, req);
    cenv_buf_puts(out, ", but ");
    if (end.kind == END_LACK)
        cenv_wording_print_lack(t->p, req, out);
    else if (end.kind == END_EXCLUDED)
        print_all_excluded(t, req, end.by, out);
    else if (end.kind == END_NEEDED)
        print_needed(t, end.by, t->p->in.reqs[req].name, out);
    else
        print_excluder(t, end.by, out);
}

/* "need numpy >=1.20,<2 or >=2.1", one name, one text or several. */
static void print_needs(const struct tree *t, const struct group *g, bool many,
                        struct cenv_buf *out)
{
    const struct cenv_req *req = &t->p->in.reqs[g->needs[0]];
    cenv_buf_addf(out, " %s%s %s%.*s", req->limit ? "allow" : "need", many ? "" : "s",
                  req->limit ? "only " : "",
                  CENV_STR_ARG(cenv_wording_req_text(t->p, g->needs[0])));
    uint32_t told = g->nr_needs > MAX_TEXTS ? MAX_TEXTS - 1 : g->nr_needs;
    for (uint32_t i = 1; i < told; i++)
        cenv_buf_addf(out, " or %.*s",
                      CENV_STR_ARG(cenv_wording_req_rest(t->p, g->needs[i])));
    if (told < g->nr_needs)
        cenv_buf_addf(out, " or %lu other ranges", (unsigned long)g->nr_needs - told);
}

/* ---- the tree ---- */

static void show_groups(struct tree *t, struct node *node, struct group *groups,
                        int depth);

/* Ends the line that tells of a need, and unfolds the need below, unless that was done above. */
static void unfold_req(struct tree *t, struct node *parent, struct cenv_buf *line,
                       uint32_t req, int depth)
{
    bool again = t->shown[req] || depth >= MAX_DEPTH || t->p->in.reqs[req].limit;
    if (ending_of(t, req).kind != END_NONE)
        print_ending(t, req, line);
    else if (t->shown[req])
        cenv_buf_puts(line, " (see above)");
    bool ends = ending_of(t, req).kind != END_NONE || again;
    struct node *node = add_node(t, parent, line);
    t->shown[req] = true;
    if (!ends)
        show_groups(t, node, group_candidates(t, req), depth + 1);
}

static void show_all_needs(struct tree *t, struct node *parent, struct cenv_buf *line,
                           const struct group *g, bool many, int depth)
{
    cenv_buf_puts(line, many ? " need all of" : " needs all of");
    struct node *node = add_node(t, parent, line);
    for (uint32_t i = 0; i < g->nr_needs; i++) {
        const struct cenv_req *req = &t->p->in.reqs[g->needs[i]];
        cenv_buf_clear(line);
        cenv_buf_addf(line, "%s%.*s", req->limit ? "only " : "",
                      CENV_STR_ARG(cenv_wording_req_text(t->p, g->needs[i])));
        unfold_req(t, node, line, g->needs[i], depth);
    }
}

/* What is said of candidates that are ruled out themselves. */
static void print_fate(struct tree *t, const struct group *g, bool many,
                       struct cenv_buf *line)
{
    if (g->end.kind == END_EXCLUDED) {
        cenv_buf_putc(line, ' ');
        cenv_wording_print_exclusion(t->p, g->cands[0], g->end.by, many, line);
        return;
    }
    cenv_buf_puts(line, g->sometimes ? " cannot go with "
                        : many       ? " are ruled out: "
                                     : " is ruled out: ");
    if (g->end.kind == END_NEEDED)
        print_needed(t, g->end.by, t->p->in.name_of[g->cands[0]], line);
    else
        print_excluder(t, g->end.by, line);
}

static void show_group(struct tree *t, struct node *parent, const struct group *g,
                       int depth)
{
    struct cenv_buf line;
    cenv_buf_init(&line, LINE_MAX_BYTES);
    bool many = print_cands(t, g->cands, g->nr, &line);
    if (g->end.kind != END_NONE) {
        print_fate(t, g, many, &line);
        add_node(t, parent, &line);
    } else if (g->nr_needs > 1 &&
               t->p->in.reqs[g->needs[0]].name != t->p->in.reqs[g->needs[1]].name) {
        show_all_needs(t, parent, &line, g, many, depth);
    } else if (g->nr_needs) {
        print_needs(t, g, many, &line);
        unfold_req(t, parent, &line, g->needs[0], depth);
    }
    cenv_buf_release(&line);
}

static void show_groups(struct tree *t, struct node *node, struct group *groups,
                        int depth)
{
    merge_groups(t, groups);
    for (const struct group *g = groups; g && !t->failed; g = g->next)
        if (!g->told && t->nr_lines < CENV_CONFLICT_TREE_MAX_LINES)
            show_group(t, node, g, depth);
        else
            t->nr_left_out += !g->told;
}

/* Something of the goal's own stands in the way, not only what others need of its name. */
static bool has_story(struct tree *t, uint32_t req)
{
    enum ending_kind kind = ending_of(t, req).kind;
    bool own = kind == END_LACK || kind == END_EXCLUDED ||
               (kind == END_RULED && by_goal(t, ending_of(t, req).by));
    if (kind == END_NONE)
        for (const struct group *g = group_candidates(t, req); g; g = g->next)
            own |= g->nr_needs > 0 || g->end.kind == END_EXCLUDED;
    return own;
}

static void show_goal(struct tree *t, struct node *root, uint32_t goal, bool brief)
{
    struct cenv_buf line;
    uint32_t req = t->p->in.goals[goal].value;
    cenv_buf_init(&line, LINE_MAX_BYTES);
    cenv_wording_print_goal(t->p, goal, &line);
    if (t->p->roots[goal].kind == CENV_ROOT_ENTRY && !t->p->in.reqs[req].limit &&
        !t->shown[req] && (!brief || has_story(t, req)))
        unfold_req(t, root, &line, req, 0);
    else
        add_node(t, root, &line);
    cenv_buf_release(&line);
}

static void print_nodes(const struct node *node, struct cenv_buf *prefix,
                        struct cenv_buf *out)
{
    size_t len = prefix->len;
    for (; node; node = node->next) {
        cenv_buf_add_str(out, cenv_buf_str(prefix));
        cenv_buf_puts(out, node->next ? "├─ " : "└─ ");
        cenv_buf_add_str(out, node->text);
        cenv_buf_putc(out, '\n');
        cenv_buf_puts(prefix, node->next ? "│  " : "   ");
        print_nodes(node->first, prefix, out);
        prefix->len = len;
    }
}

/* Names that the roots lead to along requirements of the core. */
static void find_reachable(struct tree *t)
{
    const struct cenv_instance *in = &t->p->in;
    bool more = true;
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        t->reachable[in->reqs[q].name] |= by_goal(t, q);
    while (more) {
        more = false;
        for (uint32_t c = 0; c < in->nr_cands; c++)
            for (uint32_t k = in->edge_first[c];
                 t->reachable[in->name_of[c]] && k < in->edge_first[c + 1]; k++) {
                const struct cenv_req *req = &in->reqs[in->edges[k]];
                if (!t->core->reqs[in->edges[k]] || req->limit ||
                    t->reachable[req->name])
                    continue;
                t->reachable[req->name] = more = true;
            }
    }
}

static bool is_root(const struct tree *t, uint32_t goal)
{
    return t->core->goals[goal] && t->p->in.goals[goal].kind == CENV_GOAL_REQ;
}

static void grow_tree(struct tree *t, struct cenv_buf *out)
{
    const struct cenv_instance *in = &t->p->in;
    struct node root = {0};
    struct cenv_buf text;
    cenv_buf_init(&text, LINE_MAX_BYTES);
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        if (t->core->reqs[q] || t->implied[q] != CENV_NONE)
            t->relevant[t->nr_relevant++] = q;
    find_reachable(t);
    bool stories = false;
    for (uint32_t i = 0; i < in->nr_goals; i++)
        stories |= is_root(t, i) && has_story(t, in->goals[i].value);
    for (uint32_t i = 0; i < in->nr_goals; i++)
        if (is_root(t, i))
            show_goal(t, &root, i, stories);
    if (t->nr_left_out) {
        cenv_buf_addf(&text, "(%lu more branches are left out)",
                      (unsigned long)t->nr_left_out);
        add_node(t, &root, &text);
    }
    cenv_buf_clear(&text);
    print_nodes(root.first, &text, out);
    t->failed |= text.failed;
    cenv_buf_release(&text);
}

int cenv_conflict_tree_print(const struct cenv_problem *p,
                             const struct cenv_unsat_core *core, struct cenv_buf *out,
                             uint32_t *nr_lines, struct cenv_error *err)
{
    struct tree t = {.p = p, .core = core};
    int rc = cenv_propagate_goals(&t.i, &p->in, core, NULL, &t.arena, err);
    t.implied = t.i.by;
    t.reachable = cenv_arena_calloc(&t.arena, p->in.nr_names, sizeof(*t.reachable));
    t.shown = cenv_calloc(p->in.nr_reqs, sizeof(*t.shown));
    t.endings = cenv_calloc(p->in.nr_reqs, sizeof(*t.endings));
    t.relevant = cenv_calloc(p->in.nr_reqs, sizeof(*t.relevant));
    t.failed = !t.shown || !t.endings || !t.relevant || !t.reachable;
    if (rc == 0 && !t.failed)
        grow_tree(&t, out);
    if (rc == 0 && (t.failed || out->failed))
        rc = cenv_error_oom(err);
    *nr_lines = t.nr_lines;
    cenv_free(t.shown);
    cenv_free(t.endings);
    cenv_free(t.relevant);
    cenv_arena_release(&t.arena);
    return rc;
}
