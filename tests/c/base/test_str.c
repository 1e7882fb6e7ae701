/* SPDX-License-Identifier: BSD-3-Clause */
/* Spans of bytes: what systems have no call for, or one each under another name. */
#include "check.h"

#include "base/str.h"

static void test_str__finds_bytes(void)
{
    static const struct {
        const char *data, *needle;
        int at; /* -1: not there */
    } cases[] = {{"abcabx", "abx", 3}, {"abc", "abcd", -1}, {"aab", "ab", 1},
                 {"abc", "c", 2},      {"abc", "x", -1},    {"abc", "abc", 0}};
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        const char *data = cases[i].data;
        const char *at = cenv_find_bytes(data, strlen(data), cases[i].needle,
                                         strlen(cases[i].needle));
        check_case(cases[i].needle);
        CHECK_INT(at ? at - data : -1, cases[i].at);
    }
}

static void test_str__finds_the_last(void)
{
    CHECK_INT(cenv_str_rfind(cenv_str("a/b/c"), '/'), 3);
    CHECK_INT(cenv_str_rfind(cenv_str("/abc"), '/'), 0);
    CHECK_INT(cenv_str_rfind(cenv_str("abc"), '/'), 3);
    CHECK_INT(cenv_str_rfind(cenv_str(""), '/'), 0);
}

static void test_str__compares_without_case(void)
{
    CHECK(cenv_str_starts_nocase(cenv_str("HTTPS://host"), CENV_STR("https:")));
    CHECK(cenv_str_starts_nocase(cenv_str("etag"), CENV_STR("ETag")));
    CHECK(!cenv_str_starts_nocase(cenv_str("http"), CENV_STR("https:")));
    CHECK(!cenv_str_starts_nocase(cenv_str("a[b"), CENV_STR("a{b")));
}

int main(void)
{
    RUN(test_str__finds_bytes);
    RUN(test_str__finds_the_last);
    RUN(test_str__compares_without_case);
    return check_report();
}
