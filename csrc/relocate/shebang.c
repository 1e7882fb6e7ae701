/* SPDX-License-Identifier: BSD-3-Clause */
/* The forms are those of conda, pip, distlib and uv, byte for byte. */
#include "relocate/shebang.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool cenv_shebang_split(struct cenv_str line, size_t *from, size_t *to)
{
    if (!cenv_str_starts(line, CENV_STR("#!")))
        return false;
    size_t at = 2;
    while (at < line.len && line.data[at] == ' ')
        at++;
    if (at == line.len || line.data[at] != '/')
        return false;
    *from = at;
    while (at < line.len && (!is_blank(line.data[at]) ||
                             (line.data[at] == ' ' && line.data[at - 1] == '\\')))
        at++;
    *to = at;
    return true;
}

/* python, python3, python3.12, python3.13t (or d: a debug build) */
static bool is_python(struct cenv_str name)
{
    if (!cenv_str_starts(name, CENV_STR("python")))
        return false;
    size_t at = 6, digits = 0;
    for (; at < name.len && name.data[at] >= '0' && name.data[at] <= '9'; at++)
        digits++;
    if (digits && at + 1 < name.len && name.data[at] == '.') {
        at++;
        for (digits = 0; at < name.len && name.data[at] >= '0' && name.data[at] <= '9';
             at++)
            digits++;
        if (digits && at < name.len && (name.data[at] == 't' || name.data[at] == 'd'))
            at++;
    }
    return at == name.len && (digits || at == 6);
}

/* Of a quoted byte: what stands for it, or NULL for itself. */
static const char *escape_of(char c, bool singly)
{
    if (c == '\\')
        return singly ? "'\"\\\\\"'" : "\\\\";
    if (singly)
        return c == '\'' ? "'\"'\"'" : NULL;
    return c == '"' ? "\\\"" : NULL;
}

/*
 * `exe` in quotes, for sh and at once for Python, which reads it within three quotes: doubly, as
 * conda and pip have it, but not where sh would have Python read "\$", of which it warns, or where
 * three quotes would end its text. "\ " of a shebang is a space.
 */
static void add_quoted(struct cenv_str exe, struct cenv_buf *out)
{
    bool singly = cenv_str_find(exe, '$') < exe.len ||
                  cenv_str_find(exe, '`') < exe.len ||
                  cenv_find_bytes(exe.data, exe.len, "'''", 3);
    char quote = singly ? '\'' : '"';
    cenv_buf_putc(out, quote);
    for (size_t i = 0; i < exe.len; i++) {
        const char *escaped = escape_of(exe.data[i], singly);
        if (exe.data[i] == '\\' && i + 1 < exe.len && exe.data[i + 1] == ' ')
            continue;
        if (escaped)
            cenv_buf_puts(out, escaped);
        else
            cenv_buf_putc(out, exe.data[i]);
    }
    cenv_buf_putc(out, quote);
}

/* Whether sh takes every byte of a word for itself. */
static bool is_plain_word(struct cenv_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.data[i];
        if (c < 0x80 && !cenv_is_alnum((char)c) && (!c || !strchr("_@%+=:,./-", c)))
            return false;
    }
    return true;
}

static void add_two_lines(struct cenv_str exe, struct cenv_str rest,
                          struct cenv_buf *out)
{
    cenv_buf_puts(out, "#!/bin/sh\n'''exec' ");
    add_quoted(exe, out);
    cenv_buf_add_str(out, rest);
    cenv_buf_puts(out, " \"$0\" \"$@\" #'''");
}

static void add_three_lines(const struct cenv_shebang *line, struct cenv_buf *out)
{
    cenv_buf_puts(out, "#!/bin/sh\n'''exec' ");
    if (line->quoted || !is_plain_word(line->exe))
        add_quoted(line->exe, out);
    else
        cenv_buf_add_str(out, line->exe);
    cenv_buf_add_str(out, line->rest);
    cenv_buf_puts(out, " \"$0\" \"$@\"\n' '''");
}

void cenv_shebang_render(const struct cenv_shebang *line, struct cenv_buf *out)
{
    struct cenv_str exe = line->exe;
    bool space = cenv_str_find(exe, ' ') < exe.len;
    size_t slash = cenv_str_rfind(exe, '/');
    struct cenv_str name =
        cenv_str_slice(exe, slash < exe.len ? slash + 1 : 0, exe.len);
    bool fits = line->style == CENV_SHEBANG_ENTRY
                    ? exe.len <= CENV_ENTRY_EXE_MAX
                    : line->head.len + exe.len + line->rest.len <= CENV_SHEBANG_MAX;
    if (line->style == CENV_SHEBANG_PIP) {
        add_three_lines(line, out);
    } else if (exe.len == 0 || (fits && !space) || cenv_str_is(exe, "/usr/bin/env")) {
        cenv_buf_add_str(out, line->head);
        cenv_buf_add_str(out, exe);
        cenv_buf_add_str(out, line->rest);
    } else if (is_python(name)) {
        add_two_lines(exe, line->rest, out);
    } else {
        cenv_buf_puts(out, "#!/usr/bin/env ");
        cenv_buf_add_str(out, name);
        cenv_buf_add_str(out, line->rest);
    }
}

void cenv_shebang_render_entry(struct cenv_str exe, struct cenv_buf *out)
{
    struct cenv_shebang line = {
        .style = CENV_SHEBANG_ENTRY, .head = CENV_STR("#!"), .exe = exe};
    cenv_shebang_render(&line, out);
    cenv_buf_putc(out, '\n');
}

/* Takes `text` off the front of *rest. */
static bool take_text(struct cenv_str *rest, const char *text)
{
    struct cenv_str head = cenv_str(text);
    if (!cenv_str_starts(*rest, head))
        return false;
    *rest = cenv_str_slice(*rest, head.len, rest->len);
    return true;
}

static bool take_exe(struct cenv_str *rest, struct cenv_str *exe)
{
    char quote = take_text(rest, "\"") ? '"' : take_text(rest, "'") ? '\'' : ' ';
    struct cenv_str line = cenv_str_slice(*rest, 0, cenv_str_find(*rest, '\n'));
    size_t len = cenv_str_find(line, quote);
    *exe = cenv_str_slice(line, 0, len);
    *rest = cenv_str_slice(*rest, len + (quote == ' ' ? 0 : 1), rest->len);
    /* A backslash, quotes in a row, uv's "$(dirname ...)": no plain path, left to the text. */
    return len < line.len && len > 0 && exe->data[0] == '/' &&
           cenv_str_find(*exe, '\\') == len && cenv_str_starts(*rest, CENV_STR(" "));
}

bool cenv_shebang_trampoline(struct cenv_str script, enum cenv_shebang_style *style,
                             struct cenv_str *exe, struct cenv_str *options,
                             size_t *len)
{
    static const char args[] = " \"$0\" \"$@\"";
    struct cenv_str rest = script;
    if (!take_text(&rest, "#!/bin/sh\n'''exec' ") || !take_exe(&rest, exe))
        return false;
    struct cenv_str line = cenv_str_slice(rest, 0, cenv_str_find(rest, '\n'));
    const char *found =
        line.len ? cenv_find_bytes(line.data, line.len, args, sizeof(args) - 1) : NULL;
    if (!found)
        return false;
    *options = cenv_str_n(rest.data, (size_t)(found - rest.data));
    rest = cenv_str_slice(rest, options->len + sizeof(args) - 1, rest.len);
    if (take_text(&rest, " #'''"))
        *style = CENV_SHEBANG_LINE;
    else if (take_text(&rest, "\n' '''"))
        *style = CENV_SHEBANG_PIP;
    else
        return false;
    *len = script.len - rest.len;
    return rest.len == 0 || rest.data[0] == '\n';
}

bool cenv_shebang_interpreter(struct cenv_str text, struct cenv_str *exe)
{
    struct cenv_str line = cenv_str_slice(text, 0, cenv_str_find(text, '\n')), options;
    enum cenv_shebang_style style;
    size_t from, to;

    if (cenv_shebang_trampoline(text, &style, exe, &options, &from))
        return true;
    if (!cenv_shebang_split(line, &from, &to))
        return false;
    *exe = cenv_str_slice(line, from, to);
    return true;
}
