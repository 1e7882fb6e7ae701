/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes conditions (CEP 43): what is parsed and printed must parse to the same parts again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "model/condition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Deepest are a bracket of each level, and in the last one "or" with "and" in it. */
enum { DEEPEST = 2 * CENV_CONDITION_MAX_NESTING + 3 };

static const struct cenv_condition *parse(struct cenv_str text,
                                          struct cenv_arena *arena)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const struct cenv_condition *c = NULL;

    int rc = cenv_condition_parse(&c, text, arena, &err);
    if ((rc == 0) != (c != NULL) || (rc < 0 && !err.message[0]))
        abort();
    cenv_error_release(&err);
    return c;
}

/* Only "and" within "or" needs no brackets. */
static void print(const struct cenv_condition *c, enum cenv_condition_kind around,
                  int depth, struct cenv_buf *out)
{
    bool brackets = around != CENV_CONDITION_SPEC && c->kind != CENV_CONDITION_SPEC &&
                    !(around == CENV_CONDITION_OR && c->kind == CENV_CONDITION_AND);

    if (depth > DEEPEST)
        abort();
    if (c->kind == CENV_CONDITION_SPEC)
        cenv_buf_add_str(out, c->spec.text);
    cenv_buf_puts(out, brackets ? "(" : "");
    for (const struct cenv_condition *part = c->first; part; part = part->next) {
        if (part != c->first)
            cenv_buf_puts(out, c->kind == CENV_CONDITION_AND ? " and " : " or ");
        print(part, c->kind, depth + 1, out);
    }
    cenv_buf_puts(out, brackets ? ")" : "");
}

static bool is_same(const struct cenv_condition *a, const struct cenv_condition *b)
{
    if (a->kind != b->kind || !cenv_str_eq(a->spec.text, b->spec.text))
        return false;
    a = a->first;
    b = b->first;
    for (; a && b && is_same(a, b); a = a->next)
        b = b->next;
    return !a && !b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str text = cenv_str_n((const char *)data, size);
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_buf printed;

    cenv_buf_init(&printed, SIZE_MAX / 2);
    const struct cenv_condition *c = parse(text, &arena);
    if (c) {
        print(c, CENV_CONDITION_SPEC, 0, &printed);
        const struct cenv_condition *again = parse(cenv_buf_str(&printed), &arena);
        if (!again || !is_same(c, again))
            abort();
    }
    cenv_buf_release(&printed);
    cenv_arena_release(&arena);
    return 0;
}
