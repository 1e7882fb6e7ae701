/* SPDX-License-Identifier: BSD-3-Clause */
/* Regular expressions: see regex.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "codec/regex.h"

#include <pcre2.h>
#include <stdalign.h>
#include <stdint.h>

enum {
    NESTING_MAX = 32,
    STEPS_MAX = 100000, /* about a millisecond */
    DEPTH_MAX = 1000,
    SCRATCH_SIZE =
        48
        << 10, /* PCRE2 asks for 20 KiB of backtracking frames, then for twice that */
};

struct cenv_regex {
    pcre2_code *code; /* never changed after compilation: threads share it */
};

/* ---- memory: all of it lies in the arena, or on the stack of a search ---- */

static void *take_arena(PCRE2_SIZE size, void *arena)
{
    return cenv_arena_alloc(arena, size);
}

static void keep_block(void *block, void *ctx)
{
    (void)block;
    (void)ctx;
}

struct scratch {
    size_t used;
    alignas(max_align_t) char data[SCRATCH_SIZE];
};

static void *take_scratch(PCRE2_SIZE size, void *ctx)
{
    struct scratch *scratch = ctx;
    size_t at =
        (scratch->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

    if (at > SCRATCH_SIZE || size > SCRATCH_SIZE - at)
        return NULL;
    scratch->used = at + size;
    return scratch->data + at;
}

/* ---- compilation ---- */

static int refuse_pattern(struct cenv_error *err, struct cenv_str pattern, int code,
                          size_t at)
{
    PCRE2_UCHAR text[128];

    if (code == PCRE2_ERROR_NOMEMORY ||
        code == 121 /* "failed to allocate heap memory" */)
        return cenv_error_oom(err);
    if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
        text[0] = '\0';
    return cenv_error_set(err, CENV_ESPEC,
                          "regular expression '%.*s' is not valid: %s, column %zu",
                          CENV_STR_ARG(pattern), (const char *)text, at + 1);
}

int cenv_regex_compile(const struct cenv_regex **out, struct cenv_str pattern,
                       bool caseless, struct cenv_arena *arena, size_t *column,
                       struct cenv_error *err)
{
    PCRE2_SIZE at = 0;
    int code = 0;

    if (column)
        *column = 0;
    if (pattern.len > CENV_REGEX_MAX)
        return cenv_error_set(err, CENV_ESPEC,
                              "a regular expression of %zu bytes is too long",
                              pattern.len);
    struct cenv_regex *regex = cenv_arena_calloc(arena, 1, sizeof(*regex));
    pcre2_general_context *memory =
        pcre2_general_context_create(take_arena, keep_block, arena);
    pcre2_compile_context *rules = memory ? pcre2_compile_context_create(memory) : NULL;
    if (!regex || !rules)
        return cenv_error_oom(err);
    pcre2_set_parens_nest_limit(rules, NESTING_MAX);
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
                      PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
                          (caseless ? PCRE2_CASELESS : 0),
                      &code, &at, rules);
    if (!regex->code) {
        if (column)
            *column = at;
        return refuse_pattern(err, pattern, code, at);
    }
    *out = regex;
    return 0;
}

/* ---- search ---- */

static pcre2_match_context *make_limits(pcre2_general_context *memory)
{
    pcre2_match_context *limits = pcre2_match_context_create(memory);

    if (limits) {
        pcre2_set_match_limit(limits, STEPS_MAX);
        pcre2_set_depth_limit(limits, DEPTH_MAX);
    }
    return limits;
}

bool cenv_regex_search(const struct cenv_regex *regex, struct cenv_str subject)
{
    struct scratch scratch;

    scratch.used = 0;
    pcre2_general_context *memory =
        pcre2_general_context_create(take_scratch, keep_block, &scratch);
    pcre2_match_context *limits = memory ? make_limits(memory) : NULL;
    pcre2_match_data *found = limits ? pcre2_match_data_create(1, memory) : NULL;
    if (!found)
        return false;
    return pcre2_match(regex->code, (PCRE2_SPTR)(subject.data ? subject.data : ""),
                       subject.len, 0, 0, found, limits) >= 0;
}
