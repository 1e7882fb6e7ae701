/* SPDX-License-Identifier: BSD-3-Clause */
/* Text that a terminal shows as it stands: see printable.h. */
#include "base/printable.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static bool steers_terminal(uint32_t point)
{
    return (point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0) ||
           point == 0x61c || point == 0x200e || point == 0x200f ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void cenv_printable_into(char *out, size_t size, struct cenv_str text, bool lines)
{
    size_t len = 0;

    while (text.len) {
        uint32_t point = 0;
        unsigned bytes = cenv_utf8_decode(text, &point);
        char escaped[16];
        struct cenv_str put = cenv_str_slice(text, 0, bytes ? bytes : 1);
        if (bytes && steers_terminal(point) && !(lines && point == '\n')) {
            snprintf(escaped, sizeof(escaped), point < 0x100 ? "\\x%02x" : "\\u%04x",
                     (unsigned)point);
            put = cenv_str(escaped);
        }
        if (len + put.len >= size)
            break;
        memcpy(out + len, put.data, put.len);
        len += put.len;
        text = cenv_str_slice(text, bytes ? bytes : 1, text.len);
    }
    if (size)
        out[len] = '\0';
}
