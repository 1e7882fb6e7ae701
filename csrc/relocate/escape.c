/* SPDX-License-Identifier: BSD-3-Clause */
/* Escapes by what they begin with. */
#include "relocate/escape.h"

#include "base/hex.h"
#include "base/utf8.h"

enum { BACKSLASHES_MAX = 8 };

static unsigned char byte_at(struct cenv_str text, size_t at)
{
    return at < text.len ? (unsigned char)text.data[at] : 0;
}

/* Hex digits from `at` on: their number, at most `most`, and what they say. */
static size_t read_hex(struct cenv_str text, size_t at, size_t most, uint32_t *out)
{
    size_t nr = 0;
    *out = 0;
    for (int digit; nr < most && at + nr < text.len; nr++) {
        digit = cenv_hex_value(text.data[at + nr]);
        if (digit < 0)
            break;
        *out = *out << 4 | (uint32_t)digit;
    }
    return nr;
}

/* "u00e9" behind a backslash, a second half of a surrogate pair with it: bytes taken, or 0. */
static size_t read_u(struct cenv_str text, size_t at, size_t slashes, uint32_t *point)
{
    uint32_t low;
    if (byte_at(text, at + 1) == '{') {
        size_t nr = read_hex(text, at + 2, 6, point);
        return nr && byte_at(text, at + 2 + nr) == '}' ? nr + 3 : 0;
    }
    if (read_hex(text, at + 1, 4, point) < 4)
        return 0;
    size_t next = at + 5 + slashes;
    bool pair = *point >= 0xd800 && *point < 0xdc00 && byte_at(text, at + 5) == '\\' &&
                byte_at(text, next) == 'u' && read_hex(text, next + 1, 4, &low) == 4 &&
                low >= 0xdc00 && low < 0xe000;
    if (!pair)
        return 5;
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return 5 + slashes + 5;
}

/* Up to three octal digits, and one more behind a zero as `echo -e` has them. */
static size_t read_octal(struct cenv_str text, size_t at, uint32_t *point)
{
    size_t nr = 0, most = byte_at(text, at) == '0' ? 4 : 3;
    for (*point = 0; nr < most; nr++) {
        unsigned char c = byte_at(text, at + nr);
        if (c < '0' || c > '7' || *point * 8 + c - '0' > 0xff)
            break;
        *point = *point * 8 + c - '0';
    }
    return nr;
}

/* What stands behind `slashes` backslashes: bytes taken, or 0. */
static size_t read_escaped(struct cenv_str text, size_t slashes,
                           struct cenv_escape *out)
{
    static const char controls[] = "a\ab\be\033f\fn\nr\rs t\tv\v";
    unsigned char c = byte_at(text, slashes);
    out->byte = c == 'x' || (c >= '0' && c <= '7');
    if (c == 'u')
        return read_u(text, slashes, slashes, &out->point);
    if (c == 'U')
        return read_hex(text, slashes + 1, 8, &out->point) == 8 ? 9 : 0;
    if (c == 'x')
        return read_hex(text, slashes + 1, 2, &out->point) == 2 ? 3 : 0;
    if (out->byte)
        return read_octal(text, slashes, &out->point);
    for (size_t i = 0; i + 1 < sizeof(controls) - 1; i += 2)
        if (c == controls[i]) {
            out->point = (unsigned char)controls[i + 1];
            return 1;
        }
    if (c == 0 || c == '\n' || cenv_is_alnum((char)c))
        return 0;
    out->point = c;
    return c < 0x80
               ? 1
               : cenv_utf8_decode(cenv_str_slice(text, slashes, text.len), &out->point);
}

static bool read_backslashes(struct cenv_str text, struct cenv_escape *out)
{
    size_t slashes = 0;
    while (slashes < BACKSLASHES_MAX && byte_at(text, slashes) == '\\')
        slashes++;
    size_t len = read_escaped(text, slashes, out);
    out->len = slashes + len;
    return len > 0 && byte_at(text, slashes) != '\\';
}

static bool read_percent(struct cenv_str text, struct cenv_escape *out)
{
    size_t at = 1;
    while (at < 9 && byte_at(text, at) == '2' && byte_at(text, at + 1) == '5' &&
           cenv_hex_value((char)byte_at(text, at + 2)) >= 0)
        at += 2;
    out->byte = true;
    out->len = at + 2;
    return read_hex(text, at, 2, &out->point) == 2;
}

static bool read_entity(struct cenv_str text, struct cenv_escape *out)
{
    static const struct {
        struct cenv_str name;
        uint32_t point;
    } names[] = {{CENV_STR("&amp;"), '&'},  {CENV_STR("&lt;"), '<'},
                 {CENV_STR("&gt;"), '>'},   {CENV_STR("&quot;"), '"'},
                 {CENV_STR("&sol;"), '/'},  {CENV_STR("&apos;"), '\''},
                 {CENV_STR("&nbsp;"), 0xa0}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cenv_str_starts(text, names[i].name)) {
            *out = (struct cenv_escape){names[i].name.len, names[i].point, false};
            return true;
        }
    if (byte_at(text, 1) != '#')
        return false;
    bool hex = (byte_at(text, 2) | 0x20) == 'x';
    size_t at = hex ? 3 : 2, nr = 0;
    out->byte = false;
    if (hex)
        nr = read_hex(text, at, 8, &out->point);
    for (out->point = hex ? out->point : 0; !hex && nr < 8; nr++) {
        if (!cenv_is_digit((char)byte_at(text, at + nr)))
            break;
        out->point = out->point * 10 + byte_at(text, at + nr) - '0';
    }
    out->len = at + nr + 1;
    return nr > 0 && byte_at(text, at + nr) == ';';
}

static bool read_quote(struct cenv_str text, struct cenv_escape *out)
{
    static const struct cenv_str forms[] = {
        {"'\"'\"'", 5}, {"'\\''", 4}, {"''", 2}, {"\"\"", 2}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (cenv_str_starts(text, forms[i])) {
            unsigned char quote = (unsigned char)text.data[0];
            *out = (struct cenv_escape){forms[i].len, quote, false};
            return true;
        }
    return false;
}

bool cenv_escape_read(struct cenv_str text, struct cenv_escape *out)
{
    switch (byte_at(text, 0)) {
    case '\\':
        return read_backslashes(text, out);
    case '%':
        return read_percent(text, out);
    case '&':
        return read_entity(text, out);
    case '\'':
    case '"':
        return read_quote(text, out);
    default:
        return false;
    }
}

bool cenv_escape_read_back(struct cenv_str text, struct cenv_escape *out)
{
    for (size_t len = CENV_ESCAPE_MAX; len > 1; len--)
        if (len <= text.len && strchr("\\%&", text.data[text.len - len]) &&
            cenv_escape_read(cenv_str_slice(text, text.len - len, text.len), out) &&
            out->len == len)
            return true;
    return false;
}
