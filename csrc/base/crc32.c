/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-32: see crc32.h. */
#include "base/crc32.h"

void cenv_crc32_init(struct cenv_crc32 *tables)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320U : 0);
        tables->table[0][byte] = sum;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int step = 1; step < 8; step++) {
            uint32_t sum = tables->table[step - 1][byte];
            tables->table[step][byte] = sum >> 8 ^ tables->table[0][sum & 0xff];
        }
    }
}

static uint32_t load_word(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

uint32_t cenv_crc32_add(const struct cenv_crc32 *tables, uint32_t sum, const void *data,
                        size_t len)
{
    const uint32_t(*table)[256] = tables->table;
    const unsigned char *at = data;

    sum = ~sum;
    for (; len >= 8; len -= 8, at += 8) {
        uint32_t low = sum ^ load_word(at), high = load_word(at + 4);
        sum = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
              table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^ table[3][high & 0xff] ^
              table[2][high >> 8 & 0xff] ^ table[1][high >> 16 & 0xff] ^
              table[0][high >> 24];
    }
    for (; len > 0; len--, at++)
        sum = sum >> 8 ^ table[0][(sum ^ *at) & 0xff];
    return ~sum;
}
