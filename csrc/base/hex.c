/* SPDX-License-Identifier: BSD-3-Clause */
/* Hexadecimal digits: see hex.h. */
#include "base/hex.h"

void cenv_hex(const unsigned char *raw, size_t len, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[2 * len] = '\0';
}

int cenv_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cenv_unhex(struct cenv_str text, unsigned char *raw, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = cenv_hex_value(text.data[2 * i]);
        int low = cenv_hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        raw[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
