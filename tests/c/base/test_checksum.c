/* SPDX-License-Identifier: BSD-3-Clause */
/* The sum over our own cache files. */
#include "base/checksum.h"

#include <string.h>

#include "check.h"

static void test_checksum__every_bit_and_the_length_count(void)
{
    char data[67] = "";
    uint64_t plain = cenv_checksum64(cenv_str_n(data, sizeof(data)));

    CHECK(cenv_checksum64(cenv_str_n(data, sizeof(data))) == plain);
    for (size_t i = 0; i < 8 * sizeof(data); i++) {
        data[i / 8] ^= (char)(1 << i % 8);
        CHECK(cenv_checksum64(cenv_str_n(data, sizeof(data))) != plain);
        data[i / 8] ^= (char)(1 << i % 8);
    }
    for (size_t len = 0; len < sizeof(data); len++)
        CHECK(cenv_checksum64(cenv_str_n(data, len)) != plain);
}

static void test_checksum__order_counts(void)
{
    CHECK(cenv_checksum64(CENV_STR("aaaaaaaabbbbbbbb")) !=
          cenv_checksum64(CENV_STR("bbbbbbbbaaaaaaaa")));
}

static void test_checksum__alignment_does_not_count(void)
{
    char data[40] = "";

    for (size_t at = 0; at < 8; at++) {
        memcpy(data + at, "some seventeen by", 17);
        CHECK(cenv_checksum64(cenv_str_n(data + at, 17)) ==
              cenv_checksum64(CENV_STR("some seventeen by")));
    }
}

int main(void)
{
    RUN(test_checksum__every_bit_and_the_length_count);
    RUN(test_checksum__order_counts);
    RUN(test_checksum__alignment_does_not_count);
    return check_report();
}
