/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of a core: see tree.h.
 *
 * Under each asked spec stand the candidates it allows, grouped by what of the core they need; under
 * each need the candidates that meet it, and so on. A need whose candidates are all ruled out by one
 * other requirement names that and ends the branch. Every requirement is unfolded once.
 */
#include "ops/tree.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { MAX_DEPTH = 24, MAX_NAMED_VERSIONS = 4 };

struct node {
    struct cenv_str text;
    struct node *first, *last, *next;
};

/* Candidates in the same position: hidden alike, ruled out by one requirement, or of equal needs. */
struct group {
    uint8_t hidden;
    uint32_t excluder; /* a requirement, or CENV_NONE */
    const uint32_t *needs;
    uint32_t nr_needs;
    uint32_t *cands;
    uint32_t nr;
    struct group *next;
};

struct tree {
    const struct cenv_problem *p;
    const struct cenv_core *core;
    struct cenv_arena arena;
    bool *shown; /* by requirement: unfolded already */
    uint32_t *
        relevant; /* requirements of the core: those that items ask for, then the rest */
    uint32_t nr_asked, nr_relevant;
    bool failed; /* sticky: out of memory */
    uint32_t nr_lines;
};

static void print_name(const struct cenv_problem *p, uint32_t name,
                       struct cenv_buf *out)
{
    cenv_buf_add_str(out, p->names[name].text);
}

static struct cenv_str spec_text(const struct cenv_problem *p, uint32_t req)
{
    return p->specs[p->req_spec[req]].text;
}

static void print_version(const struct cenv_problem *p, uint32_t cand,
                          struct cenv_buf *out)
{
    cenv_buf_add_str(out, p->cands[cand].record->version);
}

/* Newest first; candidates of two channels may interleave. */
struct by_text {
    uint32_t text, cand;
};

static int by_age(const void *left, const void *right)
{
    const struct by_text *a = left, *b = right;
    return (a->text < b->text) - (a->text > b->text);
}

void cenv_versions_print(const struct cenv_problem *p, const uint32_t *cands,
                         uint32_t nr, struct cenv_buf *out)
{
    struct by_text *sorted = cenv_reallocarray(NULL, nr, sizeof(*sorted));
    uint32_t to = 0;
    if (!sorted) {
        out->failed = 1;
        return;
    }
    for (uint32_t i = 0; i < nr; i++)
        sorted[i] = (struct by_text){p->cands[cands[i]].text, cands[i]};
    qsort(sorted, nr, sizeof(*sorted), by_age);
    for (uint32_t i = 0; i < nr; i++)
        if (!to || sorted[to - 1].text != sorted[i].text)
            sorted[to++] = sorted[i];
    bool many = to > MAX_NAMED_VERSIONS;
    for (uint32_t i = 0; i < to; i += many ? to - 1 : 1) {
        cenv_buf_puts(out, i == 0 ? "" : many ? " .. " : " | ");
        print_version(p, sorted[i].cand, out);
    }
    if (many)
        cenv_buf_addf(out, " (%lu versions)", (unsigned long)to);
    cenv_free(sorted);
}

static const char *wish_verb(const struct cenv_wish *wish)
{
    return wish->kind == CENV_WISH_LOCKED   ? "is locked"
           : wish->kind == CENV_WISH_PINNED ? "is pinned"
                                            : "is asked for";
}

void cenv_asked_print(const struct cenv_problem *p, uint32_t i, struct cenv_buf *out)
{
    const struct cenv_asked *asked = &p->asked[i];
    if (asked->kind == CENV_ASKED_WISH)
        cenv_buf_add_str(out, asked->wish->text);
    else if (asked->kind == CENV_ASKED_VIRTUAL)
        cenv_buf_addf(out, "%.*s=%.*s", CENV_STR_ARG(asked->machine->name),
                      CENV_STR_ARG(asked->machine->version));
    else if (asked->kind == CENV_ASKED_STRICT)
        cenv_buf_puts(out, "channel_priority=strict");
    else
        cenv_buf_addf(out, "exclude_newer=%.*s", CENV_STR_ARG(p->request->cutoff_text));
}

static void add_root(const struct cenv_problem *p, uint32_t item, struct cenv_buf *out)
{
    const struct cenv_asked *asked = &p->asked[item];
    if (asked->kind == CENV_ASKED_VIRTUAL) {
        cenv_buf_addf(out, "this machine has %.*s %.*s",
                      CENV_STR_ARG(asked->machine->name),
                      CENV_STR_ARG(asked->machine->version));
        return;
    }
    cenv_asked_print(p, item, out);
    cenv_buf_addf(out, " %s", asked->wish ? wish_verb(asked->wish) : "is set");
}

/* Why the only records of a name cannot be used, as far as the loader knows. */
static const struct cenv_skip *skip_of(const struct cenv_problem *p,
                                       struct cenv_str name)
{
    struct cenv_dist dist;
    for (const struct cenv_skip *skip = p->skips.first; skip; skip = skip->next)
        if (cenv_dist_split(&dist, skip->fn) && cenv_str_eq(dist.name, name))
            return skip;
    return NULL;
}

static void print_absence(const struct cenv_problem *p, uint32_t name,
                          struct cenv_buf *out)
{
    const struct cenv_skip *skip = skip_of(p, p->names[name].text);
    if (cenv_str_starts(p->names[name].text, CENV_STR("__"))) {
        cenv_buf_puts(out, "this machine has no ");
        print_name(p, name, out);
    } else if (skip) {
        cenv_buf_addf(out, "%.*s cannot be used: %.*s", CENV_STR_ARG(skip->fn),
                      CENV_STR_ARG(skip->reason));
    } else {
        cenv_buf_puts(out, "no channel has ");
        print_name(p, name, out);
    }
}

void cenv_tree_print_lack(const struct cenv_problem *p, uint32_t req,
                          struct cenv_buf *out)
{
    uint32_t name = p->in.reqs[req].name;
    uint32_t nr = cenv_instance_size(&p->in, name);
    if (!nr) {
        print_absence(p, name, out);
        return;
    }
    const struct cenv_candidate *first = &p->cands[p->in.first[name]];
    uint32_t *all = cenv_reallocarray(NULL, nr, sizeof(*all));
    for (uint32_t i = 0; all && i < nr; i++)
        all[i] = p->in.first[name] + i;
    bool machine = first->source == CENV_SOURCE_VIRTUAL;
    cenv_buf_puts(out, machine ? "this machine has " : "there is only ");
    print_name(p, name, out);
    cenv_buf_putc(out, ' ');
    if (all)
        cenv_versions_print(p, all, nr, out);
    out->failed |= !all;
    cenv_free(all);
}

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

/* The first other requirement of the core on the candidate's name that it does not meet. */
static uint32_t excluder(const struct tree *t, uint32_t req, uint32_t cand,
                         bool asked_only)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t name = in->name_of[cand], place = cand - in->first[name];
    uint32_t nr = asked_only ? t->nr_asked : t->nr_relevant;
    for (uint32_t i = 0; i < nr; i++) {
        uint32_t q = t->relevant[i];
        if (q != req && in->reqs[q].name == name &&
            !cenv_req_has(in, &in->reqs[q], place))
            return q;
    }
    return CENV_NONE;
}

static bool is_hidden(const struct tree *t, uint32_t cand)
{
    uint8_t hidden = t->p->in.hidden[cand];
    for (uint32_t i = 0; hidden && i < t->p->in.nr_items; i++)
        if (t->core->items[i] && t->p->in.items[i].kind == CENV_ITEM_HIDE &&
            t->p->in.items[i].value == hidden)
            return true;
    return false;
}

/* The candidate's requirements that are in the core. */
static uint32_t *core_needs(struct tree *t, uint32_t cand, uint32_t *nr)
{
    const struct cenv_instance *in = &t->p->in;
    uint32_t from = in->edge_first[cand], to = in->edge_first[cand + 1];
    uint32_t *needs = cenv_arena_calloc(&t->arena, to - from, sizeof(*needs));
    *nr = 0;
    for (uint32_t k = from; needs && k < to; k++)
        if (t->core->reqs[in->edges[k]])
            needs[(*nr)++] = in->edges[k];
    t->failed |= !needs;
    return needs;
}

static bool same_group(const struct group *a, const struct group *b)
{
    if (a->hidden || b->hidden)
        return a->hidden == b->hidden;
    if (a->excluder != CENV_NONE || b->excluder != CENV_NONE)
        return a->excluder == b->excluder;
    return a->nr_needs == b->nr_needs &&
           (!a->nr_needs ||
            !memcmp(a->needs, b->needs, a->nr_needs * sizeof(*a->needs)));
}

static struct group position(struct tree *t, uint32_t req, uint32_t cand, bool root)
{
    struct group g = {.excluder = CENV_NONE};
    g.hidden = is_hidden(t, cand) ? t->p->in.hidden[cand] : 0;
    if (!g.hidden)
        g.excluder = excluder(t, req, cand, root);
    if (!g.hidden && g.excluder == CENV_NONE)
        g.needs = core_needs(t, cand, &g.nr_needs);
    return g;
}

/* Adds the candidate to the group of its position, which may be new. */
static void put(struct tree *t, struct group **groups, const struct group *at,
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

static struct group *group_candidates(struct tree *t, uint32_t req, bool root)
{
    const struct cenv_instance *in = &t->p->in;
    const struct cenv_req *r = &in->reqs[req];
    struct group *groups = NULL;
    uint32_t room = cenv_instance_size(in, r->name);
    for (uint32_t i = 0; i < r->nr_runs && !t->failed; i++)
        for (uint32_t p = in->runs[r->first_run + i].from;
             p < in->runs[r->first_run + i].to; p++) {
            uint32_t cand = in->first[r->name] + p;
            struct group at = position(t, req, cand, root);
            put(t, &groups, &at, cand, room);
        }
    return groups;
}

/* Who in the core needs a requirement: the first name that has it. */
static uint32_t needer(const struct tree *t, uint32_t req)
{
    const struct cenv_instance *in = &t->p->in;
    for (uint32_t c = 0; c < in->nr_cands; c++)
        for (uint32_t k = in->edge_first[c]; k < in->edge_first[c + 1]; k++)
            if (in->edges[k] == req)
                return in->name_of[c];
    return CENV_NONE;
}

static void print_excluder(const struct tree *t, uint32_t req, struct cenv_buf *out)
{
    const struct cenv_problem *p = t->p;
    for (uint32_t i = 0; i < p->in.nr_items; i++)
        if (t->core->items[i] && p->in.items[i].kind == CENV_ITEM_REQ &&
            p->in.items[i].value == req) {
            add_root(p, i, out);
            return;
        }
    uint32_t name = needer(t, req);
    print_name(p, name, out);
    cenv_buf_addf(out, p->in.reqs[req].limit ? " allows only %.*s" : " needs %.*s",
                  CENV_STR_ARG(spec_text(p, req)));
}

static void print_hidden(const struct cenv_problem *p, const struct group *g,
                         struct cenv_buf *out)
{
    const struct cenv_record *record = p->cands[g->cands[0]].record;
    if (g->hidden == CENV_HIDDEN_CUTOFF)
        cenv_buf_addf(out, "is newer than exclude_newer=%.*s",
                      CENV_STR_ARG(p->request->cutoff_text));
    else
        cenv_buf_addf(out, "of %.*s is hidden by strict channel priority",
                      CENV_STR_ARG(record->channel));
}

static void print_group(const struct tree *t, const struct group *g,
                        struct cenv_buf *out)
{
    print_name(t->p, t->p->in.name_of[g->cands[0]], out);
    cenv_buf_putc(out, ' ');
    cenv_versions_print(t->p, g->cands, g->nr, out);
}

static void show_need(struct tree *t, struct node *parent, struct cenv_buf *line,
                      uint32_t req, int depth);

static void show_group(struct tree *t, struct node *parent, const struct group *g,
                       int depth)
{
    struct cenv_buf line;
    cenv_buf_init(&line, 1 << 16);
    print_group(t, g, &line);
    cenv_buf_putc(&line, ' ');
    if (g->hidden) {
        print_hidden(t->p, g, &line);
        add_node(t, parent, &line);
    } else if (g->excluder != CENV_NONE) {
        cenv_buf_puts(&line, "is ruled out: ");
        print_excluder(t, g->excluder, &line);
        add_node(t, parent, &line);
    } else if (g->nr_needs == 1) {
        show_need(t, parent, &line, g->needs[0], depth);
    } else if (g->nr_needs > 1) {
        cenv_buf_puts(&line, "needs all of");
        struct node *node = add_node(t, parent, &line);
        for (uint32_t i = 0; i < g->nr_needs; i++) {
            cenv_buf_clear(&line);
            show_need(t, node, &line, g->needs[i], depth);
        }
    }
    cenv_buf_release(&line);
}

/* "..., but python=3.13 is asked for", when that is the one thing that all candidates run into. */
static bool print_only_reason(struct tree *t, const struct group *groups,
                              struct cenv_buf *line)
{
    if (!groups || groups->next || (!groups->hidden && groups->excluder == CENV_NONE))
        return false;
    cenv_buf_puts(line, ", but ");
    if (groups->hidden) {
        print_group(t, groups, line);
        cenv_buf_putc(line, ' ');
        print_hidden(t->p, groups, line);
    } else {
        print_excluder(t, groups->excluder, line);
    }
    return true;
}

static void show_groups(struct tree *t, struct node *node, const struct group *groups,
                        int depth)
{
    for (const struct group *g = groups; g && !t->failed; g = g->next)
        if (t->nr_lines < CENV_TREE_MAX_LINES)
            show_group(t, node, g, depth);
}

/* A limit says what may be installed; nothing is unfolded under it. */
static void show_limit(struct tree *t, struct node *parent, struct cenv_buf *line,
                       uint32_t req)
{
    cenv_buf_addf(line, "allows only %.*s", CENV_STR_ARG(spec_text(t->p, req)));
    uint32_t name = t->p->in.reqs[req].name;
    if (cenv_instance_size(&t->p->in, name) &&
        t->p->cands[t->p->in.first[name]].source == CENV_SOURCE_VIRTUAL) {
        cenv_buf_puts(line, ", but ");
        cenv_tree_print_lack(t->p, req, line);
    }
    add_node(t, parent, line);
}

/* Ends `line` with "needs SPEC" and why that cannot be, as a node with its branches. */
static void show_need(struct tree *t, struct node *parent, struct cenv_buf *line,
                      uint32_t req, int depth)
{
    const struct cenv_req *r = &t->p->in.reqs[req];
    if (r->limit) {
        show_limit(t, parent, line, req);
        return;
    }
    cenv_buf_addf(line, "needs %.*s", CENV_STR_ARG(spec_text(t->p, req)));
    struct group *groups = NULL;
    if (!r->nr_runs) {
        cenv_buf_puts(line, ", but ");
        cenv_tree_print_lack(t->p, req, line);
    } else if (t->shown[req] || depth >= MAX_DEPTH) {
        cenv_buf_puts(line, " (see above)");
    } else {
        groups = group_candidates(t, req, false);
        t->shown[req] = true;
    }
    bool told = print_only_reason(t, groups, line);
    struct node *node = add_node(t, parent, line);
    if (!told)
        show_groups(t, node, groups, depth + 1);
}

/* All candidates are ruled out by an item that stands above and said so. */
static bool is_told(const struct tree *t, const struct group *groups, uint32_t item)
{
    if (!groups || groups->next || groups->hidden)
        return false;
    for (uint32_t i = 0; i < item; i++)
        if (t->core->items[i] && t->p->in.items[i].kind == CENV_ITEM_REQ &&
            t->p->in.items[i].value == groups->excluder)
            return true;
    return false;
}

static void show_item(struct tree *t, struct node *root, uint32_t item)
{
    const struct cenv_problem *p = t->p;
    struct cenv_buf line;
    cenv_buf_init(&line, 1 << 16);
    add_root(p, item, &line);
    struct group *groups = NULL;
    uint32_t req = p->in.items[item].value;
    bool wish = p->asked[item].kind == CENV_ASKED_WISH && !p->in.reqs[req].limit;
    if (wish && !p->in.reqs[req].nr_runs) {
        cenv_buf_puts(&line, ", but ");
        cenv_tree_print_lack(p, req, &line);
    } else if (wish) {
        groups = group_candidates(t, req, true);
    }
    bool told = is_told(t, groups, item) || print_only_reason(t, groups, &line);
    struct node *node = add_node(t, root, &line);
    if (!told)
        show_groups(t, node, groups, 1);
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

static void list_relevant(struct tree *t)
{
    const struct cenv_instance *in = &t->p->in;
    for (uint32_t i = 0; i < in->nr_items; i++)
        if (t->core->items[i] && in->items[i].kind == CENV_ITEM_REQ)
            t->relevant[t->nr_relevant++] = in->items[i].value;
    t->nr_asked = t->nr_relevant;
    for (uint32_t q = 0; q < in->nr_reqs; q++)
        if (t->core->reqs[q])
            t->relevant[t->nr_relevant++] = q;
}

static void grow(struct tree *t, struct cenv_buf *out)
{
    const struct cenv_instance *in = &t->p->in;
    struct node root = {0};
    struct cenv_buf prefix;
    list_relevant(t);
    for (uint32_t i = 0; i < in->nr_items; i++)
        if (t->core->items[i] && in->items[i].kind == CENV_ITEM_REQ)
            show_item(t, &root, i);
    cenv_buf_init(&prefix, 1 << 12);
    print_nodes(root.first, &prefix, out);
    t->failed |= prefix.failed;
    cenv_buf_release(&prefix);
}

int cenv_tree_print(const struct cenv_problem *p, const struct cenv_core *core,
                    struct cenv_buf *out, struct cenv_error *err)
{
    struct tree t = {.p = p, .core = core};
    size_t most = (size_t)p->in.nr_reqs + p->in.nr_items;
    t.shown = cenv_calloc(p->in.nr_reqs, sizeof(*t.shown));
    t.relevant = cenv_reallocarray(NULL, most, sizeof(*t.relevant));
    t.failed = !t.shown || !t.relevant;
    if (!t.failed)
        grow(&t, out);
    bool failed = t.failed || out->failed;
    cenv_free(t.shown);
    cenv_free(t.relevant);
    cenv_arena_release(&t.arena);
    return failed ? cenv_error_oom(err) : 0;
}
