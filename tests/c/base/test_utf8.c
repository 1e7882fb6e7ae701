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

int main(void)
{
    RUN(test_utf8__accepts_rfc3629);
    return check_report();
}
