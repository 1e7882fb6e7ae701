/* SPDX-License-Identifier: BSD-3-Clause */
/* base/hex: digits there and back. */
#include "base/hex.h"

#include "check.h"

static void test_hex__goes_there_and_back(void)
{
    unsigned char raw[] = {0x00, 0x1f, 0xa0, 0xff}, again[4];
    char hex[9];
    cenv_hex(raw, sizeof(raw), hex);
    CHECK_STR(hex, "001fa0ff");
    CHECK(cenv_unhex(cenv_str(hex), again, sizeof(again)));
    CHECK_MEM(again, raw, sizeof(raw));
    CHECK(cenv_unhex(CENV_STR("001FA0FF"), again, sizeof(again)));
    CHECK_MEM(again, raw, sizeof(raw));
}

static void test_hex__refuses_other_lengths_and_letters(void)
{
    static const char *const cases[] = {"",     "0",    "001", "00112",
                                        "0g11", "0 11", "-111"};
    unsigned char raw[2];
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i]);
        CHECK(!cenv_unhex(cenv_str(cases[i]), raw, sizeof(raw)));
    }
}

static void test_hex__values_of_digits(void)
{
    CHECK_INT(cenv_hex_value('9'), 9);
    CHECK_INT(cenv_hex_value('a'), 10);
    CHECK_INT(cenv_hex_value('F'), 15);
    CHECK_INT(cenv_hex_value('g'), -1);
    CHECK_INT(cenv_hex_value('@'), -1);
    CHECK_INT(cenv_hex_value('\0'), -1);
}

int main(void)
{
    RUN(test_hex__goes_there_and_back);
    RUN(test_hex__refuses_other_lengths_and_letters);
    RUN(test_hex__values_of_digits);
    return check_report();
}
