/* SPDX-License-Identifier: BSD-3-Clause */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CENV_BASE_UTF8_H
#define CENV_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The character at the start of a non-empty `text`: its length in bytes and *point, or 0. */
unsigned cenv_utf8_decode(struct cenv_str text, uint32_t *point);

/* Length of the longest well-formed prefix; text.len when all is well-formed. */
size_t cenv_utf8_valid(struct cenv_str text);

static inline bool cenv_utf8_is(struct cenv_str text)
{
    return cenv_utf8_valid(text) == text.len;
}

#endif
