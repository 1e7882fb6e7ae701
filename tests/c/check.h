/* SPDX-License-Identifier: BSD-3-Clause */
/* A test harness for one executable: checks count, nothing stops at a failure. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * A test is a `static void test_<module>__<behaviour>(void)`, started by RUN() in main,
 * which ends with `return check_report();`. Every CHECK evaluates its arguments once and
 * gives true when it holds, so that a test can leave early:
 *
 *     for (size_t i = 0; i < CHECK_NR(cases); i++) {
 *         check_case(cases[i].text);
 *         if (CHECK_INT(parse(cases[i].text, &out), cases[i].rc))
 *             CHECK_STR(out.name, cases[i].name);
 *     }
 */
static int check_passed, check_failed;
static const char *check_test = "", *check_label = "";

#define CHECK_NR(array)  (sizeof(array) / sizeof((array)[0]))
#define CHECK(condition) check_that(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_INT(got, want) \
    check_int((intmax_t)(got), (intmax_t)(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want) check_str((got), (want), __FILE__, __LINE__, #got)
#define CHECK_MEM(got, want, len) \
    check_mem((got), (want), (len), __FILE__, __LINE__, #got)
#define RUN(test) check_run((test), #test)

/* Name the table's row in failures, until the next row or test. Borrowed. */
__attribute__((unused)) static void check_case(const char *label)
{
    check_label = label ? label : "";
}

__attribute__((unused)) static bool check_that(bool ok, const char *file, int line,
                                               const char *what)
{
    if (ok) {
        check_passed++;
        return true;
    }
    check_failed++;
    fprintf(stderr, "%s:%d: %s%s%s%s: %s\n", file, line, check_test,
            *check_label ? " [" : "", check_label, *check_label ? "]" : "", what);
    return false;
}

__attribute__((unused)) static bool
check_int(intmax_t got, intmax_t want, const char *file, int line, const char *what)
{
    if (!check_that(got == want, file, line, what))
        fprintf(stderr, "    got %" PRIdMAX ", want %" PRIdMAX "\n", got, want);
    return got == want;
}

/* NULL equals only NULL. */
__attribute__((unused)) static bool check_str(const char *got, const char *want,
                                              const char *file, int line,
                                              const char *what)
{
    bool ok = got && want ? strcmp(got, want) == 0 : got == want;

    if (!check_that(ok, file, line, what))
        fprintf(stderr, "    got  \"%s\"\n    want \"%s\"\n", got ? got : "(null)",
                want ? want : "(null)");
    return ok;
}

__attribute__((unused)) static bool check_mem(const void *got, const void *want,
                                              size_t len, const char *file, int line,
                                              const char *what)
{
    return check_that(len == 0 || memcmp(got, want, len) == 0, file, line, what);
}

__attribute__((unused)) static void check_run(void (*test)(void), const char *name)
{
    check_test = name;
    check_label = "";
    test();
}

/* Print the totals; the exit status of main. A program that checked nothing fails. */
__attribute__((unused)) static int check_report(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed || !check_passed ? 1 : 0;
}

#endif
