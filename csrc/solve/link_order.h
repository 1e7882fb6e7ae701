/* SPDX-License-Identifier: BSD-3-Clause */
/* The order in which the records of a solution are linked. */
#ifndef CENV_SOLVE_LINK_ORDER_H
#define CENV_SOLVE_LINK_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A directed graph of `nr` records: record i needs edges[first[i]] .. edges[first[i + 1] - 1]. Of
 * records that need one another, those with late[i] come after those without (noarch python
 * packages after python itself). All arrays are borrowed.
 */
struct cenv_link_graph {
    uint32_t nr;
    const uint32_t *first, *edges;
    const bool *late;
};

/*
 * Fills order[] with every record after all that it needs, started from the lowest number.
 * Members of a cycle stand together, late ones last, then by number. The order depends on nothing
 * but the graph, if the edges of each record are sorted. CENV_ENOMEM.
 */
int cenv_link_order_sort(const struct cenv_link_graph *graph, uint32_t *order,
                         struct cenv_error *err);

#endif
