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

/* Bit by bit, as the polynomial has it. */
static uint32_t sum_slowly(const unsigned char *data, size_t len)
{
    uint32_t sum = ~0U;

    for (size_t i = 0; i < len; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320U : 0);
    }
    return ~sum;
}

/* Both ways to add, of every length around some steps, at every alignment. */
static void test_crc32__is_one_sum_however_it_is_added(void)
{
    unsigned char data[300 + 16];
    struct cenv_crc32 tables;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * i * 31 + (i >> 3));
    cenv_crc32_init(&tables);
    struct cenv_crc32 plain = tables;
    plain.folds = false;
    for (size_t len = 0; len <= 300; len++) {
        const unsigned char *at = data + len % 16;
        uint32_t want = sum_slowly(at, len);
        CHECK_INT(cenv_crc32_add(&tables, 0, at, len), want);
        CHECK_INT(cenv_crc32_add(&plain, 0, at, len), want);
        uint32_t half = cenv_crc32_add(&tables, 0, at, len / 3);
        CHECK_INT(cenv_crc32_add(&tables, half, at + len / 3, len - len / 3), want);
    }
}

int main(void)
{
    RUN(test_crc32__known_sums);
    RUN(test_crc32__goes_on_where_it_was);
    RUN(test_crc32__is_one_sum_however_it_is_added);
    return check_report();
}
