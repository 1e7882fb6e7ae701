/* SPDX-License-Identifier: BSD-3-Clause */
/* Link order: after what is needed, cycles together, the same whatever the numbers of edges. */
#include "check.h"
#include "solve/link_order.h"

static void test_link_order__puts_needs_first(void)
{
    /* 0 needs 2 and 3, 1 needs 0, 3 needs 2. */
    static const uint32_t first[] = {0, 2, 3, 3, 4}, edges[] = {2, 3, 0, 2};
    static const bool late[4] = {false};
    static const uint32_t want[] = {2, 3, 0, 1};
    const struct cenv_link_graph graph = {4, first, edges, late};
    struct cenv_error err = CENV_ERROR_INIT;
    uint32_t order[4];
    CHECK_INT(cenv_link_order_sort(&graph, order, &err), 0);
    CHECK_MEM(order, want, sizeof(want));
}

/* 1, 2 and 3 need one another, 0 needs 3, and 2 is late. */
static void test_link_order__keeps_a_cycle_together(void)
{
    static const uint32_t first[] = {0, 1, 2, 3, 4}, edges[] = {3, 2, 3, 1};
    static const bool late[] = {false, false, true, false};
    static const uint32_t want[] = {1, 3, 2, 0};
    const struct cenv_link_graph graph = {4, first, edges, late};
    struct cenv_error err = CENV_ERROR_INIT;
    uint32_t order[4];
    CHECK_INT(cenv_link_order_sort(&graph, order, &err), 0);
    CHECK_MEM(order, want, sizeof(want));
}

/* A chain as long as a hostile channel likes: nothing recurses. */
static void test_link_order__takes_a_long_chain(void)
{
    enum { NR = 200000 };
    static uint32_t first[NR + 1], edges[NR], order[NR];
    static bool late[NR];
    const struct cenv_link_graph graph = {NR, first, edges, late};
    struct cenv_error err = CENV_ERROR_INIT;
    bool reversed = true;
    for (uint32_t i = 0; i < NR; i++) {
        first[i + 1] = i + 1 < NR ? i + 1 : i;
        edges[i] = i + 1;
    }
    CHECK_INT(cenv_link_order_sort(&graph, order, &err), 0);
    for (uint32_t i = 0; i < NR; i++)
        reversed &= order[i] == NR - 1 - i;
    CHECK(reversed);
}

int main(void)
{
    RUN(test_link_order__puts_needs_first);
    RUN(test_link_order__keeps_a_cycle_together);
    RUN(test_link_order__takes_a_long_chain);
    return check_report();
}
