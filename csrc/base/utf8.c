/* SPDX-License-Identifier: BSD-3-Clause */
/* UTF-8: decoding one character, checking a span. */
#include "base/utf8.h"

/* Length of a sequence by its first byte, and the smallest character that needs it. */
static unsigned sequence_len(unsigned char first, uint32_t *least)
{
    static const uint32_t leasts[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned len = first < 0x80   ? 1
                   : first < 0xc0 ? 0
                   : first < 0xe0 ? 2
                   : first < 0xf0 ? 3
                                  : 4;

    *least = leasts[len];
    return first < 0xf8 ? len : 0;
}

unsigned cenv_utf8_decode(struct cenv_str text, uint32_t *point)
{
    const unsigned char *byte = (const unsigned char *)text.data;
    uint32_t least, value;
    unsigned len = sequence_len(byte[0], &least);

    if (len == 0 || len > text.len)
        return 0;
    value = len == 1 ? byte[0] : byte[0] & (0x7fU >> len);
    for (unsigned i = 1; i < len; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (byte[i] & 0x3fU);
    }
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *point = value;
    return len;
}

/* Behind the ASCII from `at` on, but for up to seven bytes of it: most text is nothing else. */
static size_t skip_ascii(struct cenv_str text, size_t at)
{
    uint64_t word;

    for (; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.data + at, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return at;
}

size_t cenv_utf8_valid(struct cenv_str text)
{
    size_t at = 0;
    uint32_t point;

    while ((at = skip_ascii(text, at)) < text.len) {
        unsigned len =
            (unsigned char)text.data[at] < 0x80
                ? 1
                : cenv_utf8_decode(cenv_str_slice(text, at, text.len), &point);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}
