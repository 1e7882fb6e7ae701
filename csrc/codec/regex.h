/* SPDX-License-Identifier: BSD-3-Clause */
/* Regular expressions in specs ("^1\.[5-8]$"). The only user of PCRE2 (regex.c). */
#ifndef CENV_CODEC_REGEX_H
#define CENV_CODEC_REGEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/*
 * MatchSpec's expressions are those of Python's re. PCRE2 is the nearest: the same syntax (\d,
 * lazy quantifiers, groups, lookaround), where POSIX has another one; and it bounds what a hostile
 * pattern may cost, which glibc's regcomp and regexec do not.
 */
struct cenv_regex;

enum { CENV_REGEX_MAX = 1024 }; /* bytes of a pattern; longer is an error */

/*
 * Compiles `pattern` into the arena, nothing to free. It works on bytes. On CENV_ESPEC `*column`
 * (may be NULL) is the 0-based byte of the pattern where the trouble was seen.
 */
int cenv_regex_compile(const struct cenv_regex **out, struct cenv_str pattern,
                       bool caseless, struct cenv_arena *arena, size_t *column,
                       struct cenv_error *err);

/*
 * True when the pattern matches somewhere in `subject` (Python's re.search). Takes no memory, any
 * number of threads; a pattern that needs more than the bounded number of steps matches nothing.
 */
bool cenv_regex_search(const struct cenv_regex *regex, struct cenv_str subject);

#endif
