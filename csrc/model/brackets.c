/* SPDX-License-Identifier: BSD-3-Clause */
/* The brackets of a spec: see brackets.h. */
#include "model/brackets.h"

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_quote(char c)
{
    return c == '\'' || c == '"';
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

static void drop_chars(struct cenv_str *text, size_t n)
{
    *text = cenv_str_slice(*text, n, text->len);
}

/*
 * How long the quoted text at the beginning is, both quotes counted: up to the quote that a
 * separator or the end follows, so that quotes may nest ("when='x[version='>=3']'"). 0: it is
 * never closed.
 */
static size_t quoted_len(struct cenv_str text)
{
    for (size_t i = 1; i < text.len; i++)
        if (text.data[i] == text.data[0] &&
            (i + 1 == text.len || is_separator(text.data[i + 1])))
            return i + 1;
    return 0;
}

/* How long the bracketed text at the beginning is, both brackets counted. 0: it is never closed. */
static size_t bracketed_len(struct cenv_str text)
{
    size_t depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '[')
            depth++;
        else if (text.data[i] == ']' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* The first '[' that is not part of a regular expression, or text.len. */
static size_t find_open(struct cenv_str text)
{
    size_t i = 0;

    while (i < text.len && text.data[i] != '[') {
        struct cenv_str rest = cenv_str_slice(text, i, text.len);
        size_t dollar = text.data[i] == '^' ? cenv_str_find(rest, '$') : rest.len;
        i += dollar < rest.len ? dollar + 1 : 1;
    }
    return i;
}

bool cenv_brackets_find(struct cenv_str *text, struct cenv_str *inside,
                        struct cenv_str *after, const char **wrong, const char **at)
{
    size_t open = find_open(*text), close = cenv_str_rfind(*text, ']');

    *wrong = NULL;
    *at = text->data + open;
    if (open == text->len)
        return false;
    if (close == text->len || close < open) {
        *wrong = "'[' is never closed";
        return false;
    }
    *inside = cenv_str_slice(*text, open + 1, close);
    *after = cenv_str_slice(*text, close + 1, text->len);
    *text = cenv_str_slice(*text, 0, open);
    return true;
}

/* Up to a separator; what stands in brackets within the value is passed over. */
static struct cenv_str take_bare(struct cenv_str *text, const char **wrong)
{
    size_t n = 0;

    while (!*wrong && n < text->len && !is_separator(text->data[n])) {
        size_t len = 1;
        if (text->data[n] == ']')
            *wrong = "there may be only one section in brackets";
        else if (text->data[n] == '[')
            len = bracketed_len(cenv_str_slice(*text, n, text->len));
        if (!len)
            *wrong = "'[' is never closed";
        n += len;
    }
    struct cenv_str value = cenv_str_slice(*text, 0, n);
    drop_chars(text, n);
    return value;
}

/* Within quotes of this kind the value would end too early. */
static bool ends_early(struct cenv_str value, char quote)
{
    for (size_t i = 0; i + 1 < value.len; i++)
        if (value.data[i] == quote && is_separator(value.data[i + 1]))
            return true;
    return false;
}

char cenv_brackets_quote(struct cenv_str value)
{
    if (cenv_str_find(value, '\'') == value.len)
        return '\'';
    if (cenv_str_find(value, '"') == value.len)
        return '"';
    return !ends_early(value, '\'') ? '\'' : !ends_early(value, '"') ? '"' : '\0';
}

static const char *take_value(struct cenv_str *inside, struct cenv_bracket *out)
{
    const char *wrong = NULL;
    size_t list = inside->len && inside->data[0] == '[' ? bracketed_len(*inside) : 0;
    size_t quoted = inside->len && is_quote(inside->data[0]) ? quoted_len(*inside) : 0;

    if (list || quoted) {
        out->is_list = list > 0;
        out->value = cenv_str_slice(*inside, 1, list + quoted - 1);
        drop_chars(inside, list + quoted);
    } else if (inside->len && is_quote(inside->data[0])) {
        return "the quote is never closed";
    } else {
        out->value = take_bare(inside, &wrong);
        if (!wrong && !out->value.len)
            wrong = "a value is missing";
    }
    if (!wrong && !out->is_list && !cenv_brackets_quote(out->value))
        wrong = "quotes of both kinds stand in it";
    return wrong;
}

static void skip_blanks(struct cenv_str *text)
{
    while (text->len && is_separator(text->data[0]) && text->data[0] != ',')
        drop_chars(text, 1);
}

/* "<2", ">=2", "!=2", "~=2" behind a key are the value, operator and all, as in conda 26. */
static bool begins_compared(struct cenv_str text)
{
    return text.len && (text.data[0] == '<' || text.data[0] == '>' ||
                        cenv_str_starts(text, CENV_STR("!=")) ||
                        cenv_str_starts(text, CENV_STR("~=")));
}

int cenv_brackets_next(struct cenv_str *inside, struct cenv_bracket *out,
                       const char **wrong, const char **at)
{
    struct cenv_bracket pair = {.has_value = false};
    size_t n = 0;

    while (inside->len && is_separator(inside->data[0]))
        drop_chars(inside, 1);
    *at = inside->data;
    if (!inside->len)
        return 0;
    while (n < inside->len && is_key_char(inside->data[n]))
        n++;
    pair.key = cenv_str_slice(*inside, 0, n);
    if (!n) {
        *wrong = "a key is missing";
        return -1;
    }
    struct cenv_str rest = cenv_str_slice(*inside, n, inside->len);
    skip_blanks(&rest);
    if (rest.len && (rest.data[0] == '=' || begins_compared(rest))) {
        if (rest.data[0] == '=')
            drop_chars(&rest, 1);
        skip_blanks(&rest);
        *at = rest.data;
        pair.has_value = true;
        if ((*wrong = take_value(&rest, &pair)))
            return -1;
    } else {
        rest = cenv_str_slice(*inside, n, inside->len);
    }
    if (rest.len && !is_separator(rest.data[0])) {
        *at = rest.data;
        *wrong = "a comma is missing";
        return -1;
    }
    *out = pair;
    *inside = rest;
    return 1;
}

int cenv_brackets_item(struct cenv_str *list, struct cenv_str *item)
{
    struct cenv_str rest = cenv_str_trim(*list);

    if (!rest.len)
        return 0;
    struct cenv_str text = cenv_str_trim(cenv_str_cut(&rest, ','));
    if (text.len >= 2 && is_quote(text.data[0]) &&
        text.data[text.len - 1] == text.data[0])
        text = cenv_str_slice(text, 1, text.len - 1);
    if (!text.len)
        return -1;
    *item = text;
    *list = rest;
    return 1;
}
