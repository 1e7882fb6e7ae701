/* SPDX-License-Identifier: BSD-3-Clause */
/* base/fact: rows of facts are copies, of bounded number and length. */
#include "base/fact.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

static void test_fact__rows_are_copies_in_order(void)
{
    struct cenv_facts facts = {.first = NULL};
    char name[] = "numpy";
    struct cenv_fact fact = {.kind = CENV_FACT_NAME,
                             .texts = {cenv_str(name), {NULL, 0}, cenv_str("x >=1")},
                             .numbers = {7, 8, 9, 10}};
    cenv_fact_add(&facts, &fact);
    name[0] = 'N';
    fact.numbers[0] = 1;
    cenv_fact_add(&facts, &fact);
    const struct cenv_fact_row *row = facts.first;
    if (!CHECK_INT(facts.nr, 2) || !CHECK(row && row->next && !row->next->next))
        return;
    CHECK_STR(row->texts, "numpy");
    CHECK_STR(row->texts + 6, "");
    CHECK_STR(row->texts + 7, "x >=1");
    CHECK_INT(row->numbers[0], 7);
    CHECK_INT(row->numbers[3], 10);
    CHECK_STR(row->next->texts, "Numpy");
    CHECK_INT(row->next->numbers[0], 1);
    cenv_fact_release(&facts);
    CHECK(!facts.first && !facts.nr);
}

static void test_fact__texts_are_cut_and_end_at_a_nul(void)
{
    static char longer[CENV_FACT_TEXT_MAX + 100];
    struct cenv_facts facts = {.first = NULL};
    struct cenv_fact fact = {
        .kind = CENV_FACT_SOURCE,
        .texts = {cenv_str_n("ab\0cd", 5), cenv_str_n(longer, sizeof(longer))}};
    memset(longer, 'x', sizeof(longer));
    cenv_fact_add(&facts, &fact);
    if (CHECK(facts.first)) {
        CHECK_STR(facts.first->texts, "ab");
        CHECK_INT(strlen(facts.first->texts + 3), CENV_FACT_TEXT_MAX);
    }
    cenv_fact_release(&facts);
}

static void test_fact__rows_are_bounded_and_memory_may_fail(void)
{
    struct cenv_facts facts = {.first = NULL};
    struct cenv_fact fact = {.kind = CENV_FACT_SOLVER};
    cenv_alloc_fail_nth(1);
    cenv_fact_add(&facts, &fact);
    cenv_alloc_fail_nth(0);
    CHECK_INT(facts.nr, 0);
    for (size_t i = 0; i < CENV_FACT_ROWS_MAX + 5; i++)
        cenv_fact_add(&facts, &fact);
    CHECK_INT(facts.nr, CENV_FACT_ROWS_MAX);
    cenv_fact_release(&facts);
}

static void test_fact__every_kind_has_names(void)
{
    for (unsigned kind = 0; kind < CENV_NR_FACTS; kind++)
        if (CHECK(cenv_fact_shape(kind)))
            CHECK(cenv_fact_shape(kind)->name && cenv_fact_shape(kind)->numbers[0]);
    CHECK(!cenv_fact_shape(CENV_NR_FACTS));
}

int main(void)
{
    RUN(test_fact__rows_are_copies_in_order);
    RUN(test_fact__texts_are_cut_and_end_at_a_nul);
    RUN(test_fact__rows_are_bounded_and_memory_may_fail);
    RUN(test_fact__every_kind_has_names);
    return check_report();
}
