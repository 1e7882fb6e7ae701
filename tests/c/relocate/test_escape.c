/* SPDX-License-Identifier: BSD-3-Clause */
/* Characters in their spellings, forwards and backwards. */
#include "relocate/escape.h"

#include "relocate.h"

static void test_escape__spellings(void)
{
    static const struct {
        struct cenv_str text;
        size_t len; /* 0: no escape */
        uint32_t point;
    } cases[] = {
        {LIT("\\/x"), 2, '/'},
        {LIT("\\\\/x"), 3, '/'},
        {LIT("\\u00e9x"), 6, 0xe9},
        {LIT("\\u00E9x"), 6, 0xe9},
        {LIT("\\\\u00e9x"), 7, 0xe9},
        {LIT("\\ud83d\\ude00x"), 12, 0x1f600},
        {LIT("\\\\ud83d\\\\ude00x"), 14, 0x1f600},
        {LIT("\\ud83dx"), 6, 0xd83d},
        {LIT("\\ud83d\\u0041"), 6, 0xd83d},
        {LIT("\\u{1f600}x"), 9, 0x1f600},
        {LIT("\\U0001f600x"), 10, 0x1f600},
        {LIT("\\xe9x"), 4, 0xe9},
        {LIT("\\303x"), 4, 0xc3},
        {LIT("\\0303x"), 5, 0xc3},
        {LIT("\\40x"), 3, ' '},
        {LIT("\\nx"), 2, '\n'},
        {LIT("\\ x"), 2, ' '},
        {LIT("\\\"x"), 2, '"'},
        {LIT("\\\xc3\xa9x"), 3, 0xe9},
        {LIT("%20x"), 3, ' '},
        {LIT("%2Fx"), 3, '/'},
        {LIT("%252Fx"), 5, '/'},
        {LIT("&amp;x"), 5, '&'},
        {LIT("&#47;x"), 5, '/'},
        {LIT("&#x2F;x"), 6, '/'},
        {LIT("&#x000e9;x"), 9, 0xe9},
        {LIT("'\\''x"), 4, '\''},
        {LIT("'\"'\"'x"), 5, '\''},
        {LIT("''x"), 2, '\''},
        {LIT("\"\"x"), 2, '"'},
        /* none */
        {LIT("x"), 0, 0},
        {LIT(""), 0, 0},
        {LIT("\\"), 0, 0},
        {LIT("\\\\"), 0, 0},
        {LIT("\\\n"), 0, 0},
        {LIT("\\d"), 0, 0},
        {LIT("\\u00"), 0, 0},
        {LIT("\\u{1f600"), 0, 0},
        {LIT("\\xg0"), 0, 0},
        {LIT("%"), 0, 0},
        {LIT("%2"), 0, 0},
        {LIT("%zz"), 0, 0},
        {LIT("&"), 0, 0},
        {LIT("&x;"), 0, 0},
        {LIT("&#;"), 0, 0},
        {LIT("&#47"), 0, 0},
        {LIT("'x"), 0, 0},
        {LIT("\\\\\\\\\\\\\\\\\\\\/"), 0, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_escape got = {0};
        check_case(cases[i].text.data);
        if (!CHECK(cenv_escape_read(cases[i].text, &got) == (cases[i].len > 0)) ||
            !cases[i].len)
            continue;
        CHECK_INT(got.len, cases[i].len);
        CHECK_INT(got.point, cases[i].point);
    }
}

static void test_escape__read_back(void)
{
    static const struct {
        struct cenv_str text;
        size_t len;
        uint32_t point;
    } cases[] = {
        {LIT("say \\n"), 2, '\n'}, {LIT("a%20"), 3, ' '},
        {LIT("x=%252F"), 5, '/'},  {LIT("\\ud83d\\ude00"), 12, 0x1f600},
        {LIT("a&quot;"), 6, '"'},  {LIT("50%"), 0, 0},
        {LIT("n"), 0, 0},          {LIT(""), 0, 0},
        {LIT("a\\d"), 0, 0},       {LIT("&lt;%20"), 3, ' '},
        {LIT("'\\''"), 0, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_escape got = {0};
        check_case(cases[i].text.data);
        if (!CHECK(cenv_escape_read_back(cases[i].text, &got) == (cases[i].len > 0)) ||
            !cases[i].len)
            continue;
        CHECK_INT(got.len, cases[i].len);
        CHECK_INT(got.point, cases[i].point);
    }
}

int main(void)
{
    RUN(test_escape__spellings);
    RUN(test_escape__read_back);
    return check_report();
}
