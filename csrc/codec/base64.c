/* SPDX-License-Identifier: BSD-3-Clause */
/* Base64: see base64.h. */
#include "codec/base64.h"

#include <stdint.h>
#include <string.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool cenv_base64_encode(struct cenv_buf *out, struct cenv_str data)
{
    for (size_t i = 0; i < data.len; i += 3) {
        size_t nr = data.len - i < 3 ? data.len - i : 3;
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < nr ? (unsigned char)data.data[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            cenv_buf_putc(out, j > nr ? '=' : letters[bits >> (18 - 6 * j) & 63]);
    }
    return !out->failed;
}

static int letter_value(char c)
{
    const char *at = c ? strchr(letters, c) : NULL;

    return at ? (int)(at - letters) : -1;
}

bool cenv_base64_decode(struct cenv_buf *out, struct cenv_str text)
{
    uint32_t bits = 0;
    unsigned nr = 0;

    while (text.len && text.data[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        int value = letter_value(text.data[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        nr += 6;
        if (nr >= 8) {
            nr -= 8;
            cenv_buf_putc(out, (char)(bits >> nr & 0xff));
        }
    }
    return nr < 6 && !out->failed;
}
