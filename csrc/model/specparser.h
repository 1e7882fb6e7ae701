/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the parser of MatchSpecs share: its state, its errors, its characters. */
#ifndef CENV_MODEL_SPECPARSER_H
#define CENV_MODEL_SPECPARSER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "model/chars.h"
#include "model/spec.h"

struct cenv_specparser {
    struct cenv_str text; /* all of it */
    struct cenv_arena *arena;
    struct cenv_error *err;
    struct cenv_matchspec spec;
    struct cenv_matchspec_more *more; /* of spec, or NULL so far */
    struct cenv_str version, build;   /* as they will be parsed; data NULL: not given */
    bool is_after;                    /* these stand behind the brackets */
};

/* Refuses the spec with CENV_ESPEC: quotes it without secrets, and says what is wrong at `at`. */
int cenv_specparser_refuse(struct cenv_specparser *p, const char *at,
                           const char *wrong);

/* Puts "spec 'numpy >=1.8,', column 13: " before the message of an error that is set. */
int cenv_specparser_locate(struct cenv_specparser *p, const char *at);

int cenv_specparser_oom(struct cenv_specparser *p); /* CENV_ENOMEM */

/* What few specs have, made when it is first needed; NULL when out of memory. */
struct cenv_matchspec_more *cenv_specparser_more(struct cenv_specparser *p);

static inline struct cenv_str cenv_specparser_trim_left(struct cenv_str text)
{
    while (text.len && cenv_char_is(text.data[0], CENV_CHAR_BLANK))
        text = cenv_str_slice(text, 1, text.len);
    return text;
}

static inline struct cenv_str cenv_specparser_trim_right(struct cenv_str text)
{
    while (text.len && cenv_char_is(text.data[text.len - 1], CENV_CHAR_BLANK))
        text.len--;
    return text;
}

/* The classes (chars.h) of all characters together. */
unsigned cenv_specparser_classes(struct cenv_str text);

/* What no spec may hold, as a message, or NULL. */
const char *cenv_specparser_check(struct cenv_str text, unsigned classes);

#endif
