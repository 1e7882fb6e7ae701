/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-32 as in ZIP. */
#include "base/crc32.h"

#include <string.h>

#include "check.h"

static void test_crc32__known_sums(void)
{
    static const struct {
        const char *text;
        uint32_t sum;
    } cases[] = {
        {"", 0},
        {"a", 0xe8b7be43},
        {"123456789", 0xcbf43926},
        {"The quick brown fox jumps over the lazy dog", 0x414fa339},
    };
    struct cenv_crc32 tables;

    cenv_crc32_init(&tables);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].text);
        CHECK_INT(cenv_crc32_add(&tables, 0, cases[i].text, strlen(cases[i].text)),
                  cases[i].sum);
    }
}

/* In parts of any length, at any alignment, the sum is that of the whole. */
static void test_crc32__goes_on_where_it_was(void)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog";
    struct cenv_crc32 tables;
    size_t len = strlen(text);

    cenv_crc32_init(&tables);
    for (size_t cut = 0; cut <= len; cut++) {
        uint32_t sum = cenv_crc32_add(&tables, 0, text, cut);
        CHECK_INT(cenv_crc32_add(&tables, sum, text + cut, len - cut), 0x414fa339);
    }
}

int main(void)
{
    RUN(test_crc32__known_sums);
    RUN(test_crc32__goes_on_where_it_was);
    return check_report();
}
