/* SPDX-License-Identifier: BSD-3-Clause */
/* POSIX, Shell Command Language, 2.2: single quotes, double quotes, backslashes. */
#include "relocate/shell_word.h"

static bool is_end(char c)
{
    return cenv_is_blank(c) || strchr(";&|<>()", c);
}

/* The byte behind a backslash at `at`, which in double quotes escapes few; how many were read. */
static size_t read_escaped(struct cenv_str text, size_t at, bool doubly,
                           struct cenv_buf *out)
{
    char next = at + 1 < text.len ? text.data[at + 1] : 0;
    bool escapes = next && (!doubly || strchr("$`\"\\\n", next));
    if (!escapes)
        cenv_buf_putc(out, '\\');
    if (next && next != '\n')
        cenv_buf_putc(out, next);
    return next ? 2 : 1;
}

bool cenv_shell_word_read(struct cenv_str text, struct cenv_buf *out)
{
    char quote = 0;
    for (size_t at = 0; at < text.len;) {
        char c = text.data[at];
        if (!quote && (!c || is_end(c)))
            break;
        if (quote != '\'' && (c == '$' || c == '`'))
            return false;
        if (c == '\\' && quote != '\'') {
            at += read_escaped(text, at, quote == '"', out);
            continue;
        }
        if (c == quote)
            quote = 0;
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
        else
            cenv_buf_putc(out, c);
        at++;
    }
    return !quote;
}
