/* SPDX-License-Identifier: BSD-3-Clause */
/* UTF-8 as RFC 3629 has it. */
#include "base/utf8.h"

#include "check.h"

static void test_utf8__accepts_rfc3629(void)
{
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        {"abc", 3},
        {"\xc3\xa9", 2},
        {"\xc0\x80", 0},
        {"\xe0\x80\x80", 0},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"a\xc3", 1},
        {"\xf8\x88\x80\x80\x80", 0},
        {"\x80", 0},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++)
        CHECK_INT(cenv_utf8_valid(cenv_str(cases[i].text)), cases[i].valid);
}

/* What is not ASCII may begin anywhere in the words that a run of ASCII is skipped by. */
static void test_utf8__is_checked_at_every_place(void)
{
    for (size_t at = 0; at < 40; at++) {
        char text[48];
        memset(text, 'a', sizeof(text));
        CHECK_INT(cenv_utf8_valid(cenv_str_n(text, at)), at);
        memcpy(text + at, "\xc3\xa9", 2);
        CHECK_INT(cenv_utf8_valid(cenv_str_n(text, sizeof(text))), sizeof(text));
        CHECK_INT(cenv_utf8_valid(cenv_str_n(text, at + 1)), at);
        text[at + 1] = '\xff';
        CHECK_INT(cenv_utf8_valid(cenv_str_n(text, sizeof(text))), at);
    }
}

int main(void)
{
    RUN(test_utf8__accepts_rfc3629);
    RUN(test_utf8__is_checked_at_every_place);
    return check_report();
}
