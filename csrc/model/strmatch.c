/* SPDX-License-Identifier: BSD-3-Clause */
/* Matchers of text fields: see strmatch.h. */
#include "model/strmatch.h"

#include <stdint.h>

#include "codec/regex.h"

static char lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

struct cenv_str cenv_strmatch_lower(struct cenv_str text, struct cenv_arena *arena)
{
    size_t n = 0;
    while (n < text.len && lower_char(text.data[n]) == text.data[n])
        n++;
    if (n == text.len)
        return text.data ? text : CENV_STR("");
    char *copy = cenv_arena_alloc(arena, text.len + 1);
    if (!copy)
        return (struct cenv_str){NULL, 0};
    for (size_t i = 0; i < text.len; i++)
        copy[i] = lower_char(text.data[i]);
    copy[text.len] = '\0';
    return cenv_str_n(copy, text.len);
}

bool cenv_strmatch_glob(struct cenv_str pattern, struct cenv_str text, bool caseless)
{
    size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

    /* A later star takes over from an earlier one, so there is one place to go back to. */
    while (t < text.len) {
        char c = caseless ? lower_char(text.data[t]) : text.data[t];
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len && pattern.data[p] == c) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

static bool all_stars(struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '*')
            return false;
    return text.len > 0;
}

int cenv_strmatch_parse(struct cenv_strmatch *out, struct cenv_str text, bool caseless,
                        struct cenv_arena *arena, size_t *column,
                        struct cenv_error *err)
{
    struct cenv_strmatch m = {
        .kind = CENV_STRMATCH_EXACT, .caseless = caseless, .text = text};
    int rc = 0;

    *column = 0;
    if (text.len >= 2 && text.data[0] == '^' && text.data[text.len - 1] == '$') {
        m.kind = CENV_STRMATCH_REGEX;
        rc = cenv_regex_compile(&m.regex, text, caseless, arena, column, err);
    } else {
        if (all_stars(text))
            m.kind = CENV_STRMATCH_ANY;
        else if (cenv_str_find(text, '*') < text.len)
            m.kind = CENV_STRMATCH_GLOB;
        m.text = caseless ? cenv_strmatch_lower(text, arena) : text;
        if (caseless && !m.text.data)
            return cenv_error_oom(err);
    }
    if (rc == 0)
        *out = m;
    return rc;
}

bool cenv_strmatch_test(const struct cenv_strmatch *m, struct cenv_str text)
{
    switch (m->kind) {
    case CENV_STRMATCH_ANY:
        return true;
    case CENV_STRMATCH_EXACT:
        return m->caseless ? cenv_strmatch_glob(m->text, text, true)
                           : cenv_str_eq(m->text, text);
    case CENV_STRMATCH_GLOB:
        return cenv_strmatch_glob(m->text, text, m->caseless);
    case CENV_STRMATCH_REGEX:
        return cenv_regex_search(m->regex, text);
    }
    return false;
}
