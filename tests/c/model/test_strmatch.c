/* SPDX-License-Identifier: BSD-3-Clause */
/* model/strmatch: exact texts, globs, regular expressions. */
#include "model/strmatch.h"

#include "base/alloc.h"
#include "check.h"

static void test_strmatch__globs(void)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},        {"", "a", false},      {"*", "", true},
        {"a*", "a", true},     {"a*c", "abbc", true}, {"a*c", "abbcd", false},
        {"*b*", "abc", true},  {"*ab", "aab", true},  {"a.c", "abc", false},
        {"a?c", "abc", false}, {"**x", "yx", true},   {"[a]", "a", false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].pattern);
        CHECK_INT(cenv_strmatch_glob(cenv_str(cases[i].pattern),
                                     cenv_str(cases[i].text), false),
                  cases[i].matches);
    }
    CHECK(cenv_strmatch_glob(CENV_STR("ab*"), CENV_STR("ABC"), true));
}

static void test_strmatch__takes_the_form_from_the_text(void)
{
    static const struct {
        const char *text;
        enum cenv_strmatch_kind kind;
        const char *yes, *no;
    } cases[] = {
        {"*", CENV_STRMATCH_ANY, "x", NULL},
        {"**", CENV_STRMATCH_ANY, "", NULL},
        {"py27_0", CENV_STRMATCH_EXACT, "py27_0", "PY27_0"},
        {"py27_*", CENV_STRMATCH_GLOB, "py27_12", "xpy27_0"},
        {"^py[23]7$", CENV_STRMATCH_REGEX, "py37", "py47"},
        {"^py", CENV_STRMATCH_EXACT, "^py", "py"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_strmatch m;
        size_t column = 0;
        check_case(cases[i].text);
        if (CHECK_INT(cenv_strmatch_parse(&m, cenv_str(cases[i].text), false, &arena,
                                          &column, &err),
                      0)) {
            CHECK_INT(m.kind, cases[i].kind);
            CHECK(cenv_strmatch_test(&m, cenv_str(cases[i].yes)));
            CHECK(!cases[i].no || !cenv_strmatch_test(&m, cenv_str(cases[i].no)));
        }
        cenv_arena_release(&arena);
    }
}

static void test_strmatch__refuses_bad_expressions(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_strmatch m;
    size_t column = 0;
    CHECK_INT(cenv_strmatch_parse(&m, CENV_STR("^a($"), false, &arena, &column, &err),
              CENV_ESPEC);
    CHECK_INT(column, 4);
    cenv_error_release(&err);
    cenv_arena_release(&arena);
}

static void test_strmatch__lowers_only_what_has_capitals(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_str plain = CENV_STR("abc-1\xc3\x84");
    CHECK(cenv_strmatch_lower(plain, &arena).data == plain.data);
    CHECK_STR(cenv_strmatch_lower(CENV_STR("NumPy"), &arena).data, "numpy");
    cenv_arena_release(&arena);
}

int main(void)
{
    RUN(test_strmatch__globs);
    RUN(test_strmatch__takes_the_form_from_the_text);
    RUN(test_strmatch__refuses_bad_expressions);
    RUN(test_strmatch__lowers_only_what_has_capitals);
    return check_report();
}
