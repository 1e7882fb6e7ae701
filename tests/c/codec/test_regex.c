/* SPDX-License-Identifier: BSD-3-Clause */
/* Regular expressions: Python's syntax, errors, and the bound on what a pattern may cost. */
#include "codec/regex.h"

#include "base/alloc.h"
#include "check.h"

static const struct {
    const char *pattern, *subject;
    bool matches;
} searches[] = {
    {"^1\\.7\\.1$", "1.7.1", true},
    {"^1\\.[5-8]\\.1$", "1.7.1", true},
    {"^1\\.[5-8]\\.1$", "1.9.1", false},
    {"^$", "", true},
    {"^$", "1", false},
    {"^.*$", "", true},
    {"b", "abc", true}, /* search, not match */
    {"^b", "abc", false},
    {"^\\d+(?:\\.\\d+?)*$", "10.20.3", true},
    {"^(?P<n>a+)(?=b)b$", "aab", true},
    {"^(?!py2).*$", "py27_0", false},
    {"^h[0-9a-f]{7}_\\w$", "h1234abc_0", true},
    {"^a.c$",
     "a\xff"
     "c",
     true},
};

static void test_regex__search(void)
{
    for (size_t i = 0; i < CHECK_NR(searches); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        const struct cenv_regex *regex;

        check_case(searches[i].pattern);
        if (CHECK_INT(cenv_regex_compile(&regex, cenv_str(searches[i].pattern), false,
                                         &arena, NULL, &err),
                      0))
            CHECK_INT(cenv_regex_search(regex, cenv_str(searches[i].subject)),
                      searches[i].matches);
        cenv_error_release(&err);
        cenv_arena_release(&arena);
    }
}

static void test_regex__case(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    const struct cenv_regex *regex;

    if (CHECK_INT(
            cenv_regex_compile(&regex, CENV_STR("^gpl.*$"), true, &arena, NULL, &err),
            0))
        CHECK(cenv_regex_search(regex, CENV_STR("GPL-3.0")));
    if (CHECK_INT(
            cenv_regex_compile(&regex, CENV_STR("^gpl.*$"), false, &arena, NULL, &err),
            0))
        CHECK(!cenv_regex_search(regex, CENV_STR("GPL-3.0")));
    CHECK(!cenv_regex_search(regex, (struct cenv_str){NULL, 0}));
    cenv_arena_release(&arena);
}

static void test_regex__errors(void)
{
    static const struct {
        const char *pattern;
        size_t column;
    } cases[] = {{"^1[5$", 5}, {"^(1$", 4},  {"^1)$", 2},     {"^*$", 1},
                 {"^a**$", 3}, {"^\\C$", 3}, {"(*UTF)^a$", 6}};

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        const struct cenv_regex *regex = NULL;
        size_t column = 99;

        check_case(cases[i].pattern);
        CHECK_INT(cenv_regex_compile(&regex, cenv_str(cases[i].pattern), false, &arena,
                                     &column, &err),
                  CENV_ESPEC);
        CHECK(!regex);
        CHECK_INT(column, cases[i].column);
        CHECK(strstr(err.message, cases[i].pattern));
        cenv_error_release(&err);
        cenv_arena_release(&arena);
    }
}

/* Patterns that explode in a backtracking matcher, or in a compiler that unrolls. */
static void test_regex__hostile(void)
{
    static const char *const patterns[] = {
        "^(a+)+$",
        "^(a|aa)+$",
        "^(a*)*b$",
        "^(.*)(.*)(.*)(.*)(.*)(.*)(.*)x$",
        "^((a{1,20}){1,20}){1,20}b$",
        "^(?:(a)|\\1b)*c$",
        "^(?R)*a$",
        "^((((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))))$",
        "^(((((a{1,1000}){1,1000}){1,1000}){1,1000}){1,1000})$",
    };
    char subject[2001];

    memset(subject, 'a', 2000);
    subject[2000] = '!';
    for (size_t i = 0; i < CHECK_NR(patterns); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        const struct cenv_regex *regex;

        check_case(patterns[i]);
        if (cenv_regex_compile(&regex, cenv_str(patterns[i]), false, &arena, NULL,
                               &err) == 0)
            CHECK(!cenv_regex_search(regex, cenv_str_n(subject, 2001)));
        else
            CHECK_INT(err.status, CENV_ESPEC);
        CHECK(arena.total < (1 << 20));
        cenv_error_release(&err);
        cenv_arena_release(&arena);
    }
}

static void test_regex__length_is_bounded(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    const struct cenv_regex *regex;
    char pattern[CENV_REGEX_MAX + 1];

    memset(pattern, 'a', sizeof(pattern));
    CHECK_INT(cenv_regex_compile(&regex, cenv_str_n(pattern, CENV_REGEX_MAX), false,
                                 &arena, NULL, &err),
              0);
    CHECK_INT(cenv_regex_compile(&regex, cenv_str_n(pattern, sizeof(pattern)), false,
                                 &arena, NULL, &err),
              CENV_ESPEC);
    cenv_error_release(&err);
    cenv_arena_release(&arena);
}

static void test_regex__out_of_memory(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const struct cenv_regex *regex = NULL;

    for (long nth = 1; nth < 20; nth++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        /* 5 kB of code: the arena needs more than its first block */
        cenv_alloc_fail_nth(nth);
        int rc = cenv_regex_compile(&regex, CENV_STR("^(a{1,400}|b{1,400})$"), false,
                                    &arena, NULL, &err);
        cenv_alloc_fail_nth(0);
        cenv_arena_release(&arena);
        cenv_error_release(&err);
        if (rc == 0) {
            CHECK(nth > 1);
            return;
        }
        CHECK_INT(rc, CENV_ENOMEM);
    }
    CHECK(!"never succeeded");
}

int main(void)
{
    RUN(test_regex__search);
    RUN(test_regex__case);
    RUN(test_regex__errors);
    RUN(test_regex__hostile);
    RUN(test_regex__length_is_bounded);
    RUN(test_regex__out_of_memory);
    return check_report();
}
