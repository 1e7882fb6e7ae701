/* SPDX-License-Identifier: BSD-3-Clause */
/* Matchers of text fields in a spec: exact, glob ("py27_*") or regular expression
 * ("^py3[0-9]$"). */
#ifndef CENV_MODEL_STRMATCH_H
#define CENV_MODEL_STRMATCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct cenv_regex;

enum cenv_strmatch_kind {
    CENV_STRMATCH_ANY,   /* absent, or nothing but '*' */
    CENV_STRMATCH_EXACT, /* bytewise */
    CENV_STRMATCH_GLOB,  /* anchored, '*' any bytes, nothing else is special */
    CENV_STRMATCH_REGEX, /* begins with '^' and ends with '$' */
};

/* Zero-initialised it matches everything. Immutable: any number of threads. */
struct cenv_strmatch {
    enum cenv_strmatch_kind kind;
    bool caseless; /* ASCII letters match in either case; `text` is lower case then */
    struct cenv_str text;           /* as given; borrowed, or in the arena */
    const struct cenv_regex *regex; /* for CENV_STRMATCH_REGEX */
};

/* `text` is borrowed. CENV_ESPEC for a bad expression: `*column` is its 0-based byte in `text`. */
int cenv_strmatch_parse(struct cenv_strmatch *out, struct cenv_str text, bool caseless,
                        struct cenv_arena *arena, size_t *column,
                        struct cenv_error *err);

bool cenv_strmatch_test(const struct cenv_strmatch *matcher, struct cenv_str text);

/* Time is bounded by the product of the lengths. */
bool cenv_strmatch_glob(struct cenv_str pattern, struct cenv_str text, bool caseless);

/* `text` in lower case (ASCII): itself when it is so already, else a copy; data NULL: no memory. */
struct cenv_str cenv_strmatch_lower(struct cenv_str text, struct cenv_arena *arena);

#endif
