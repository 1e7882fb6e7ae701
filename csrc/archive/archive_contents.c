/* SPDX-License-Identifier: BSD-3-Clause */
/* Links to contents of an archive: see archive_contents.h. */
#include "archive/archive_contents.h"

#include "base/digest.h"
#include "base/hex.h"

enum { NUMBER_MAX = 1 << 20 };

#define CONTENT "content"

/* A decimal number as we write it. */
static bool parse_number(struct cenv_str text, unsigned *out)
{
    *out = 0;
    if (!text.len || (text.len > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *out > NUMBER_MAX)
            return false;
        *out = *out * 10 + (unsigned)(text.data[i] - '0');
    }
    return true;
}

bool cenv_archive_content_parse(struct cenv_str link, struct cenv_archive_content *out)
{
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_str number = cenv_str_cut(&link, '/');
    struct cenv_str word = cenv_str_cut(&link, '/');
    out->hex = cenv_str_cut(&link, '/');
    out->path = link;
    return parse_number(number, &out->n) && cenv_str_is(word, CONTENT) && link.len &&
           cenv_unhex(out->hex, raw, sizeof(raw));
}
