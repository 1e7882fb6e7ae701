/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes before and behind a path. */
#include "relocate/boundary.h"

#include "base/utf8.h"
#include "relocate/escape.h"
#include "relocate/forms.h"

/* Characters that go on with a file name. */
static bool is_name_point(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.' || c == '+' || c == '~' || c == '@' ||
           c >= 0x80;
}

/* The unit at `at`, or 0 outside the file. */
static uint32_t unit_at(struct cenv_str data, uint64_t at, int encoding)
{
    unsigned width = cenv_forms_width(encoding);
    bool big = encoding == CENV_ENC_UTF16BE || encoding == CENV_ENC_UTF32BE;
    uint32_t unit = 0;
    if (at > data.len || width > data.len - at)
        return 0;
    for (unsigned i = 0; i < width; i++) {
        unsigned char byte = (unsigned char)data.data[at + (big ? i : width - 1 - i)];
        unit = unit << 8 | byte;
    }
    return unit;
}

/* ---- the end ---- */

/*
 * In a binary a byte above 0x7f goes on with a name only as a part of UTF-8. An escaped blank
 * ("/tmp/env\ 2", "/tmp/env%202") is a part of the name.
 */
static bool name_goes_on(struct cenv_str data, uint64_t at, int encoding)
{
    uint32_t c = unit_at(data, at, encoding);
    struct cenv_escape escape;
    if (cenv_forms_width(encoding) > 1)
        return is_name_point(c);
    if ((c == '\\' || c == '%') &&
        cenv_escape_read(cenv_str_slice(data, at, at + CENV_ESCAPE_MAX), &escape))
        return escape.point == ' ' || is_name_point(escape.point);
    if (c < 0x80)
        return is_name_point(c);
    return cenv_utf8_decode(cenv_str_slice(data, at, at + 4), &c) > 0;
}

/* A full stop may end a sentence. */
bool cenv_boundary_ends(struct cenv_str data, uint64_t at, int encoding)
{
    if (unit_at(data, at, encoding) != '.')
        return !name_goes_on(data, at, encoding);
    at += cenv_forms_width(encoding);
    return !name_goes_on(data, at, encoding) && unit_at(data, at, encoding) != '/';
}

/* ---- the beginning ---- */

/* "$(DESTDIR)/tmp/env": installers put that before whole paths (GNU coding standards, CMake). */
static bool is_destdir(struct cenv_str before)
{
    while (before.len &&
           (before.data[before.len - 1] == '}' || before.data[before.len - 1] == ')'))
        before.len--;
    return cenv_str_ends(before, CENV_STR("DESTDIR"));
}

/* "ESC[1;31m", the escape as it stands or in one of its spellings: what follows is another word. */
static bool is_colour(struct cenv_str before)
{
    static const struct cenv_str escapes[] = {
        {"\033", 1},  {"\\033", 4},   {"\\e", 2},    {"\\x1b", 4},
        {"\\x1B", 4}, {"\\u001b", 6}, {"\\u001B", 6}};
    size_t at = before.len;
    if (at == 0 || before.data[at - 1] != 'm')
        return false;
    for (at--;
         at > 0 && (cenv_is_digit(before.data[at - 1]) || before.data[at - 1] == ';');)
        at--;
    if (at == 0 || before.data[at - 1] != '[')
        return false;
    before.len = at - 1;
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
        if (cenv_str_ends(before, escapes[i]))
            return true;
    return false;
}

/* Whether an escape that is no part of a name stands right before: "\n/tmp/env". */
static bool is_behind_escape(struct cenv_str before)
{
    struct cenv_escape escape;
    return cenv_escape_read_back(before, &escape) && escape.point != '/' &&
           !is_name_point(escape.point);
}

/* "scheme:" before the slashes of "//" or "//host". */
static bool is_scheme(struct cenv_str before)
{
    return before.len > 1 && before.data[before.len - 1] == ':' &&
           cenv_is_alnum(before.data[before.len - 2]);
}

/*
 * Name bytes and slashes from `from` up to a path: "-I" is an option, "//" and "//host" the middle
 * of a URL, "///" of one whose path begins with its own slash (sqlite:////tmp/env/db).
 */
static enum cenv_beginning judge_run(struct cenv_str run, struct cenv_str before)
{
    size_t slashes = 0;
    while (slashes < run.len && run.data[slashes] == '/')
        slashes++;
    if (slashes >= 2 && is_scheme(before)) {
        bool host = cenv_str_find(cenv_str_slice(run, slashes, run.len), '/') ==
                    run.len - slashes;
        if (slashes == 2 && host &&
            (run.len == 2 || cenv_str_ends(before, CENV_STR("file:"))))
            return CENV_BEGINS_IN_URL;
        return slashes == 3 && run.len == 3 ? CENV_BEGINS_HERE : CENV_BEGINS_NOT;
    }
    if (cenv_str_find(run, '/') < run.len || cenv_str_ends(before, CENV_STR("$")))
        return CENV_BEGINS_NOT;
    return run.data[0] == '-' ? CENV_BEGINS_HERE : CENV_BEGINS_PERHAPS;
}

static enum cenv_beginning judge_narrow(struct cenv_str data, uint64_t at)
{
    enum { FAR = 256 };
    struct cenv_str before = cenv_str_slice(data, 0, at);
    uint64_t from = at;
    if (is_destdir(before) || is_behind_escape(before) || is_colour(before))
        return CENV_BEGINS_HERE;
    for (; from > 0 && at - from < FAR; from--) {
        unsigned char c = (unsigned char)data.data[from - 1];
        if (c >= 0x80 || (!is_name_point(c) && c != '/'))
            break;
    }
    if (from < at)
        return judge_run(cenv_str_slice(data, from, at), cenv_str_slice(data, 0, from));
    char last = from > 0 ? data.data[from - 1] : 0;
    if (last == ':' &&
        cenv_str_ends(cenv_str_slice(before, 0, from - 1), CENV_STR("file")))
        return CENV_BEGINS_IN_URL; /* "file:/tmp/env" of Java */
    return last == '}' || last == ')' || last == '$' ? CENV_BEGINS_NOT
                                                     : CENV_BEGINS_HERE;
}

enum cenv_beginning cenv_boundary_begins(struct cenv_str data, uint64_t at,
                                         int encoding)
{
    unsigned width = cenv_forms_width(encoding);
    char run[256];
    size_t nr = sizeof(run);
    if (width == 1)
        return judge_narrow(data, at);
    /* What stands before, as far as it is ASCII. */
    for (; nr > 0 && at >= width; at -= width) {
        uint32_t c = unit_at(data, at - width, encoding);
        if (c == 0 || c >= 0x80)
            break;
        run[--nr] = (char)c;
    }
    return judge_narrow(cenv_str_n(run + nr, sizeof(run) - nr), sizeof(run) - nr);
}

bool cenv_boundary_begins_escaped(struct cenv_str data, uint64_t at)
{
    struct cenv_escape escape;
    unsigned char c = at ? (unsigned char)data.data[at - 1] : 0;
    if (cenv_escape_read_back(cenv_str_slice(data, 0, at), &escape))
        return !is_name_point(escape.point);
    return c < 0x80 && !is_name_point(c);
}

/* ---- counted strings ---- */

static bool has_number(struct cenv_str data, uint64_t at, unsigned width, uint64_t want)
{
    uint64_t little = 0, big = 0;
    if (at < width)
        return false;
    for (unsigned i = 0; i < width; i++) {
        big = big << 8 | (unsigned char)data.data[at - width + i];
        little = little << 8 | (unsigned char)data.data[at - 1 - i];
    }
    return little == want || big == want;
}

static bool is_counted(struct cenv_str data, uint64_t at, uint64_t len)
{
    for (unsigned width = 2; width <= 8; width *= 2)
        if (has_number(data, at, width, len))
            return true;
    /* A varint of two bytes, as of protocol buffers. */
    return at > 1 && len > 0x7f && (unsigned char)data.data[at - 1] == len >> 7 &&
           (unsigned char)data.data[at - 2] == (0x80 | (len & 0x7f));
}

enum cenv_beginning cenv_boundary_counts(struct cenv_str data, uint64_t at,
                                         uint64_t len, uint64_t units)
{
    unsigned char before = at ? (unsigned char)data.data[at - 1] : 0;
    if (is_counted(data, at, len) || is_counted(data, at, units))
        return CENV_BEGINS_HERE;
    if (before == len || (len < 32 && before == (0xa0 | len)))
        return CENV_BEGINS_PERHAPS;
    return CENV_BEGINS_NOT;
}
