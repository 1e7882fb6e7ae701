/* SPDX-License-Identifier: BSD-3-Clause */
/* Specs parsed once: equal texts are one entry, and malformed ones say why. */
#include "check.h"
#include "repodata/spec_table.h"

static void test_spec_table__has_each_text_once(void)
{
    struct cenv_spec_table table;
    struct cenv_error err = CENV_ERROR_INIT;
    char text[] = "numpy >=1.20";
    cenv_spec_table_init(&table);
    const struct cenv_spec_entry *a = cenv_spec_table_get(&table, cenv_str(text), &err);
    memset(text, 'x', sizeof(text) - 1);
    const struct cenv_spec_entry *b = cenv_spec_table_get(&table, CENV_STR("xz"), &err);
    CHECK(a && b && a != b);
    CHECK(a == cenv_spec_table_get(&table, CENV_STR("numpy >=1.20"), &err));
    CHECK(cenv_str_is(a->text, "numpy >=1.20") && cenv_str_is(a->parsed.name, "numpy"));
    CHECK_INT(a->id, 0);
    CHECK_INT(b->id, 1);
    CHECK_INT(a->bad.len + b->bad.len, 0);
    cenv_spec_table_release(&table);
}

static void test_spec_table__keeps_why_a_text_is_bad(void)
{
    static const struct {
        const char *text, *bad, *hint;
    } cases[] = {
        {"numpy[buildx=0]", "buildx", "extras of a package are written"},
        {"numpy >=>1", "numpy >=>1", ""},
        {"num*", "a dependency must name one package", ""},
    };
    struct cenv_spec_table table;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_spec_table_init(&table);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].text);
        const struct cenv_spec_entry *entry =
            cenv_spec_table_get(&table, cenv_str(cases[i].text), &err);
        if (!CHECK(entry))
            continue;
        CHECK(strstr(entry->bad.data, cases[i].bad));
        CHECK(strstr(entry->hint.data, cases[i].hint));
        CHECK_INT(err.status, 0);
    }
    cenv_spec_table_release(&table);
}

int main(void)
{
    RUN(test_spec_table__has_each_text_once);
    RUN(test_spec_table__keeps_why_a_text_is_bad);
    return check_report();
}
