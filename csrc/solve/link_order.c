/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link order: see link_order.h. Tarjan's algorithm emits every cycle after all it needs, so
 * started from the lowest number and following edges in order of number it gives the order
 * directly. Its recursion is kept on the heap: a chain of dependencies may be as long as a
 * hostile channel likes.
 */
#include "solve/link_order.h"

#include <stdlib.h>

#include "base/alloc.h"

struct node {
    uint32_t index, low; /* of Tarjan; 0: not visited */
    uint32_t next;       /* the edge to follow next */
    bool on_stack;
};

struct walk {
    const struct cenv_link_graph *g;
    struct node *nodes;
    uint32_t *stack, *path;
    uint32_t nr_stack, nr_path, nr_visited;
    uint32_t *order;
    uint32_t nr;
};

static void enter_node(struct walk *w, uint32_t v)
{
    struct node *node = &w->nodes[v];
    node->index = node->low = ++w->nr_visited;
    node->next = w->g->first[v];
    node->on_stack = true;
    w->stack[w->nr_stack++] = v;
    w->path[w->nr_path++] = v;
}

/* Members of a cycle come off the stack together: those not late first, then by number. */
static void emit_cycle(struct walk *w, uint32_t v)
{
    uint32_t from = w->nr_stack;
    while (w->stack[--from] != v)
        ;
    for (int late = 0; late < 2; late++) {
        uint32_t first = w->nr;
        for (uint32_t i = from; i < w->nr_stack; i++)
            if (w->g->late[w->stack[i]] == late)
                w->order[w->nr++] = w->stack[i];
        for (uint32_t i = first; i < w->nr; i++)
            for (uint32_t k = i; k > first && w->order[k] < w->order[k - 1]; k--) {
                uint32_t swap = w->order[k];
                w->order[k] = w->order[k - 1];
                w->order[k - 1] = swap;
            }
    }
    for (uint32_t i = from; i < w->nr_stack; i++)
        w->nodes[w->stack[i]].on_stack = false;
    w->nr_stack = from;
}

static void leave_node(struct walk *w, uint32_t v)
{
    w->nr_path--;
    if (w->nodes[v].low == w->nodes[v].index)
        emit_cycle(w, v);
    if (!w->nr_path)
        return;
    struct node *parent = &w->nodes[w->path[w->nr_path - 1]];
    if (w->nodes[v].low < parent->low)
        parent->low = w->nodes[v].low;
}

static void follow_edge(struct walk *w)
{
    uint32_t v = w->path[w->nr_path - 1];
    struct node *node = &w->nodes[v];
    if (node->next == w->g->first[v + 1]) {
        leave_node(w, v);
        return;
    }
    uint32_t to = w->g->edges[node->next++];
    if (!w->nodes[to].index)
        enter_node(w, to);
    else if (w->nodes[to].on_stack && w->nodes[to].index < node->low)
        node->low = w->nodes[to].index;
}

int cenv_link_order_sort(const struct cenv_link_graph *graph, uint32_t *order,
                         struct cenv_error *err)
{
    struct walk w = {.g = graph, .order = order};
    w.nodes = cenv_calloc(graph->nr, sizeof(*w.nodes));
    w.stack = cenv_reallocarray(NULL, graph->nr, sizeof(*w.stack));
    w.path = cenv_reallocarray(NULL, graph->nr, sizeof(*w.path));
    bool failed = !w.nodes || !w.stack || !w.path;
    for (uint32_t v = 0; !failed && v < graph->nr; v++) {
        if (!w.nodes[v].index)
            enter_node(&w, v);
        while (w.nr_path)
            follow_edge(&w);
    }
    cenv_free(w.nodes);
    cenv_free(w.stack);
    cenv_free(w.path);
    return failed ? cenv_error_oom(err) : 0;
}
