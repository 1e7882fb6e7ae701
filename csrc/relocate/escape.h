/* SPDX-License-Identifier: BSD-3-Clause */
/* One character as programs write it when they do not write it as it stands. Pure. */
#ifndef CENV_RELOCATE_ESCAPE_H
#define CENV_RELOCATE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cenv_escape {
    size_t len;     /* bytes that it takes, at most CENV_ESCAPE_MAX */
    uint32_t point; /* the character, or the byte */
    bool byte;      /* `point` is one byte of the text, not a character */
};

enum { CENV_ESCAPE_MAX = 32 };

/*
 * Whether `text` begins with an escaped character: behind backslashes as in JSON, C, Python and
 * shells ("\/", "\u00e9", "\xe9", "\303", "\n"; several backslashes where texts are nested),
 * percent-encoded (nested too, "%252F"), an entity of XML or HTML, a quote within shell quotes, or
 * a doubled quote as of YAML and CSV.
 */
bool cenv_escape_read(struct cenv_str text, struct cenv_escape *out);

/* The same for one that ends where `text` ends. */
bool cenv_escape_read_back(struct cenv_str text, struct cenv_escape *out);

#endif
