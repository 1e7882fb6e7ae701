/* SPDX-License-Identifier: BSD-3-Clause */
/* Recursive descent over a condition: see condition.h. */
#include "model/condition.h"

#include <string.h>

struct parser {
    struct cenv_str text;
    size_t at;
    int depth;
    struct cenv_arena *arena;
    struct cenv_error *err;
};

/* All parse functions return a condition, or NULL with `err` set. */
static struct cenv_condition *parse_either(struct parser *p);

static struct cenv_condition *refuse_text(struct parser *p, const char *reason)
{
    cenv_error_set(p->err, CENV_ESPEC, "condition '%.*s' %s", CENV_STR_ARG(p->text),
                   reason);
    return NULL;
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.len && cenv_is_blank(p->text.data[p->at]))
        p->at++;
}

static bool ends_word(char c)
{
    return cenv_is_blank(c) || c == '(' || c == ')';
}

/* `word` stands at `at` as a word of its own. */
static bool is_word_at(const struct parser *p, size_t at, const char *word)
{
    size_t len = strlen(word);
    struct cenv_str next = cenv_str_slice(p->text, at, at + len + 1);
    return cenv_str_starts(next, cenv_str(word)) &&
           (at == 0 || ends_word(p->text.data[at - 1])) &&
           (next.len == len || ends_word(next.data[len]));
}

static bool skip_word(struct parser *p, const char *word)
{
    skip_blanks(p);
    if (!is_word_at(p, p->at, word))
        return false;
    p->at += strlen(word);
    return true;
}

static bool skip_char(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->at == p->text.len || p->text.data[p->at] != c)
        return false;
    p->at++;
    return true;
}

static struct cenv_condition *new_condition(struct parser *p,
                                            enum cenv_condition_kind kind)
{
    struct cenv_condition *c = cenv_arena_calloc(p->arena, 1, sizeof(*c));
    if (c)
        c->kind = kind;
    else
        cenv_error_oom(p->err);
    return c;
}

static struct cenv_condition *parse_spec(struct parser *p)
{
    size_t from = p->at;
    while (p->at < p->text.len && p->text.data[p->at] != ')' &&
           !is_word_at(p, p->at, "and") && !is_word_at(p, p->at, "or"))
        p->at++;
    struct cenv_str text = cenv_str_trim(cenv_str_slice(p->text, from, p->at));
    if (!text.len)
        return refuse_text(p, "lacks a spec");
    struct cenv_condition *c = new_condition(p, CENV_CONDITION_SPEC);
    if (!c || cenv_matchspec_parse(&c->spec, text, p->arena, p->err) < 0)
        return NULL;
    if (c->spec.name_is_glob) {
        cenv_error_set(p->err, CENV_ESPEC, "a dependency must name one package");
        return NULL;
    }
    if (c->spec.more && c->spec.more->when.len)
        return refuse_text(p, "holds a condition of its own");
    return c;
}

static struct cenv_condition *parse_part(struct parser *p)
{
    if (!skip_char(p, '('))
        return parse_spec(p);
    if (p->depth == CENV_CONDITION_MAX_NESTING)
        return refuse_text(p, "is nested too deep");
    p->depth++;
    struct cenv_condition *c = parse_either(p);
    p->depth--;
    if (c && !skip_char(p, ')'))
        return refuse_text(p, "lacks a ')'");
    return c;
}

/* Parts as `parse` gives them, joined by `word`; one alone stands for itself. */
static struct cenv_condition *
parse_joined(struct parser *p, const char *word, enum cenv_condition_kind kind,
             struct cenv_condition *(*parse)(struct parser *p))
{
    struct cenv_condition *first = parse(p), *last = first, *joined = first;
    while (last && skip_word(p, word)) {
        if (joined == first)
            joined = new_condition(p, kind);
        last->next = parse(p);
        last = joined ? last->next : NULL;
    }
    if (!last)
        return NULL;
    if (joined != first)
        joined->first = first;
    return joined;
}

static struct cenv_condition *parse_both(struct parser *p)
{
    return parse_joined(p, "and", CENV_CONDITION_AND, parse_part);
}

static struct cenv_condition *parse_either(struct parser *p)
{
    return parse_joined(p, "or", CENV_CONDITION_OR, parse_both);
}

int cenv_condition_parse(const struct cenv_condition **out, struct cenv_str text,
                         struct cenv_arena *arena, struct cenv_error *err)
{
    struct parser p = {.text = text, .arena = arena, .err = err};
    *out = parse_either(&p);
    skip_blanks(&p);
    if (*out && p.at < text.len)
        *out = refuse_text(&p, "has something behind its end");
    return err->status;
}
