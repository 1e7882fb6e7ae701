/* SPDX-License-Identifier: BSD-3-Clause */
/* base/intern: ids are dense, equal strings share one, the texts are copies. */
#include "base/intern.h"

#include "check.h"

static void test_intern__numbers_in_order_of_first_use(void)
{
    struct cenv_intern table = {0};
    char text[] = "a";
    CHECK_INT(cenv_intern_id(&table, cenv_str(text)), 0);
    CHECK_INT(cenv_intern_id(&table, CENV_STR("b")), 1);
    text[0] = 'x';
    CHECK_INT(cenv_intern_id(&table, CENV_STR("a")), 0);
    CHECK_INT(table.nr, 2);
    CHECK_STR(cenv_intern_str(&table, 0).data, "a");
    CHECK_STR(cenv_intern_str(&table, 1).data, "b");
    cenv_intern_release(&table);
}

static void test_intern__find_adds_nothing(void)
{
    struct cenv_intern table = {0};
    CHECK_INT(cenv_intern_find(&table, CENV_STR("a")), CENV_NONE);
    CHECK_INT(table.nr, 0);
    cenv_intern_id(&table, CENV_STR("a"));
    CHECK_INT(cenv_intern_find(&table, CENV_STR("a")), 0);
    cenv_intern_release(&table);
}

int main(void)
{
    RUN(test_intern__numbers_in_order_of_first_use);
    RUN(test_intern__find_adds_nothing);
    return check_report();
}
