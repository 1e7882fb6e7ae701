/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-32: see crc32.h. */
#include "base/crc32.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 64 }; /* bytes of a step that folds */

static bool can_fold(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("pclmul");
#else
    return false;
#endif
}

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
    tables->folds = can_fold();
}

static uint32_t load_word(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/* `sum` here and below is the register itself, without the inversions at both ends. */
static uint32_t add_bytes(const struct cenv_crc32 *tables, uint32_t sum,
                          const unsigned char *at, size_t len)
{
    const uint32_t(*table)[256] = tables->table;

    for (; len >= 8; len -= 8, at += 8) {
        uint32_t low = sum ^ load_word(at), high = load_word(at + 4);
        sum = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
              table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^ table[3][high & 0xff] ^
              table[2][high >> 8 & 0xff] ^ table[1][high >> 16 & 0xff] ^
              table[0][high >> 24];
    }
    for (; len > 0; len--, at++)
        sum = sum >> 8 ^ table[0][(sum ^ *at) & 0xff];
    return sum;
}

#if defined(__x86_64__)

/* `sums` carried over as many bytes as `powers` stands for, and `data` added. */
__attribute__((target("pclmul"))) static __m128i fold_over(__m128i sums, __m128i powers,
                                                           __m128i data)
{
    __m128i low = _mm_clmulepi64_si128(sums, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(sums, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), data);
}

static __m128i load_lane(const unsigned char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/*
 * Whole blocks by carry-less multiplication (V. Gopal et al., "Fast CRC computation for generic
 * polynomials using PCLMULQDQ", Intel 2009; its constants for the reflected polynomial). Four
 * lanes are carried from block to block and in the end over one another; the sixteen bytes that
 * are left have the same sum as all before them.
 */
__attribute__((target("pclmul"))) static uint32_t
add_blocks(const struct cenv_crc32 *tables, uint32_t sum, const unsigned char *at,
           size_t len)
{
    const __m128i over_block = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i over_lane = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    unsigned char left[16];
    __m128i lanes[4];

    for (int i = 0; i < 4; i++)
        lanes[i] = load_lane(at + i * 16);
    lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128((int)sum));
    for (len -= BLOCK, at += BLOCK; len >= BLOCK; len -= BLOCK, at += BLOCK) {
        for (int i = 0; i < 4; i++)
            lanes[i] = fold_over(lanes[i], over_block, load_lane(at + i * 16));
    }
    for (int i = 1; i < 4; i++)
        lanes[i] = fold_over(lanes[i - 1], over_lane, lanes[i]);
    _mm_storeu_si128((__m128i *)(void *)left, lanes[3]);
    return add_bytes(tables, 0, left, sizeof(left));
}

#else

static uint32_t add_blocks(const struct cenv_crc32 *tables, uint32_t sum,
                           const unsigned char *at, size_t len)
{
    return add_bytes(tables, sum, at, len);
}

#endif

uint32_t cenv_crc32_add(const struct cenv_crc32 *tables, uint32_t sum, const void *data,
                        size_t len)
{
    const unsigned char *at = data;
    size_t blocks = tables->folds ? len - len % BLOCK : 0;

    sum = ~sum;
    if (blocks)
        sum = add_blocks(tables, sum, at, blocks);
    return ~add_bytes(tables, sum, at + blocks, len - blocks);
}
