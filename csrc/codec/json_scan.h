/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON text read in place, without a tree: for documents too big for one (repodata). */
#ifndef CENV_CODEC_JSON_SCAN_H
#define CENV_CODEC_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Functions return 0 (or a count), CENV_EINTEGRITY with `why` set and `at` where it went wrong, or
 * CENV_ENOMEM. `why` is a literal that reads well after "byte 12: ".
 */
struct cenv_json_scan {
    const char *at, *end;
    const char *why;
};

/*
 * `at` is on '{' or '['. One past the matching bracket, or NULL when the text ends before it. Looks
 * at strings and this kind of bracket only, at memory speed: what is inside is not checked.
 */
const char *cenv_json_scan_close(const char *at, const char *end);

/* Fails with `why`. */
int cenv_json_scan_fail(struct cenv_json_scan *s, const char *why);

/* Past blanks; then the byte there, or 0 at the end. */
static inline char cenv_json_scan_peek(struct cenv_json_scan *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
    return s->at < s->end ? *s->at : '\0';
}

/* Past blanks and the byte `c`, which must come next; `why` says what was expected. */
int cenv_json_scan_expect(struct cenv_json_scan *s, char c, const char *why);

/*
 * Iterate an object or array whose opening bracket has been passed; *started is false before the
 * first call. 1: `at` is on the value (and *key holds the unescaped key), 0: past the closing
 * bracket. The caller reads or skips the value before the next call.
 */
int cenv_json_scan_member(struct cenv_json_scan *s, bool *started, struct cenv_str *key,
                          struct cenv_arena *arena);
int cenv_json_scan_item(struct cenv_json_scan *s, bool *started);

/* A string: a span of the text, or in `arena` when it had escapes. Valid UTF-8, no control
 * bytes. */
int cenv_json_scan_string(struct cenv_json_scan *s, struct cenv_str *out,
                          struct cenv_arena *arena);

/* An integer from 0; a fraction is cut off, an exponent or a sign is an error. */
int cenv_json_scan_uint(struct cenv_json_scan *s, uint64_t *out);

/* Past one value of any kind, its syntax checked; nesting is bounded. */
int cenv_json_scan_skip(struct cenv_json_scan *s);

/* True, and past it, when `word` ("null", "true") comes next. */
bool cenv_json_scan_word(struct cenv_json_scan *s, const char *word);

#endif
