/* SPDX-License-Identifier: BSD-3-Clause */
/* base/printable: nothing in a text steers the terminal that shows it. */
#include "base/printable.h"

#include "base/error.h"
#include "check.h"

static void test_printable__shows_what_steers(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain, gr\xc3\xb6\xc3\x9f"
         "e, \xf0\x9f\x90\x8d\ttab",
         "plain, gr\xc3\xb6\xc3\x9f"
         "e, \xf0\x9f\x90\x8d\ttab"},
        {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
        {"a\rb\nc\x7f", "a\\x0db\\x0ac\\x7f"},
        {"\xc2\x9b"
         "2J",
         "\\x9b2J"},
        {"\xe2\x80\xae"
         "cod.exe\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8",
         "\\u202ecod.exe\\u2066\\u061c\\u2028"},
        {"no utf-8: \xff\x9b", "no utf-8: \xff\x9b"},
        {"", ""},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char out[128];
        check_case(cases[i].in);
        cenv_printable_into(out, sizeof(out), cenv_str(cases[i].in), false);
        CHECK_STR(out, cases[i].out);
    }
}

static void test_printable__keeps_lines_where_asked(void)
{
    char out[64];

    cenv_printable_into(out, sizeof(out), CENV_STR("a\nb\r"), true);
    CHECK_STR(out, "a\nb\\x0d");
}

static void test_printable__is_never_cut_within_an_escape(void)
{
    for (size_t size = 0; size <= 8; size++) {
        char out[8] = "unset";
        cenv_printable_into(out, size, CENV_STR("ab\x1b"), false);
        CHECK_STR(out, size == 0   ? "unset"
                       : size == 1 ? ""
                       : size == 2 ? "a"
                       : size < 7  ? "ab"
                                   : "ab\\x1b");
    }
}

static void test_printable__is_what_errors_say(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_error_set(&err, CENV_EINTEGRITY, "name '%s'", "x\x1b[2J\n::error::");
    cenv_error_prefix(&err, "package %s", "\x1b");
    cenv_error_hint(&err, "ask %s", "a\x07");
    CHECK_STR(err.message, "package \\x1b: name 'x\\x1b[2J\\x0a::error::'");
    CHECK_STR(err.hint, "ask a\\x07");
    cenv_error_release(&err);
    cenv_error_os(&err, 2, "/a\x1b", "cannot open");
    CHECK_STR(err.path, "/a\x1b"); /* a path, not a text */
    CHECK(strstr(err.message, "'/a\\x1b'"));
    cenv_error_release(&err);
    cenv_error_set(&err, CENV_EUNSAT, "%s", "a tree\n\x1b of reasons");
    CHECK_STR(err.message, "a tree\n\\x1b of reasons");
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_printable__shows_what_steers);
    RUN(test_printable__keeps_lines_where_asked);
    RUN(test_printable__is_never_cut_within_an_escape);
    RUN(test_printable__is_what_errors_say);
    return check_report();
}
