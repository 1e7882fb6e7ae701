/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of URLs: see url.h. */
#include "codec/url.h"

#include "base/hex.h"

size_t cenv_url_scheme_len(struct cenv_str url)
{
    size_t i = 0;

    if (!url.len || !cenv_is_alpha(url.data[0]))
        return 0;
    while (i < url.len && (cenv_is_alnum(url.data[i]) || memchr("+-.", url.data[i], 3)))
        i++;
    return cenv_str_starts(cenv_str_slice(url, i, url.len), CENV_STR("://")) ? i : 0;
}

size_t cenv_url_token_len(struct cenv_str s)
{
    size_t i = 0;

    while (i < s.len && (cenv_is_alnum(s.data[i]) || memchr("-_.~%", s.data[i], 5)))
        i++;
    return i;
}

/* ---- secrets ---- */

/* Length of the run from `at` on that may be a URL's authority or one component of its path. */
static size_t run_len(struct cenv_str text, size_t at)
{
    size_t start = at;

    while (at < text.len && (unsigned char)text.data[at] > ' ' &&
           !memchr("/\"'<>", text.data[at], 5))
        at++;
    return at - start;
}

bool cenv_url_redact(struct cenv_buf *out, struct cenv_str text)
{
    size_t at = 0, skip;

    while (at < text.len) {
        struct cenv_str rest = cenv_str_slice(text, at, text.len);
        skip = 0;
        if (cenv_str_starts(rest, CENV_STR("//"))) {
            struct cenv_str run = cenv_str_slice(rest, 2, 2 + run_len(rest, 2));
            size_t sign = cenv_str_rfind(run, '@');
            if (sign < run.len) {
                cenv_buf_puts(out, "//***");
                skip = 2 + sign;
            }
        } else if (cenv_str_starts(rest, CENV_STR("/t/"))) {
            size_t len = cenv_url_token_len(cenv_str_slice(rest, 3, rest.len));
            if (len) {
                cenv_buf_puts(out, "/t/***");
                skip = 3 + len;
            }
        }
        if (!skip) {
            cenv_buf_putc(out, text.data[at]);
            skip = 1;
        }
        at += skip;
    }
    return !out->failed;
}

/* ---- joining ---- */

/* Appends `path` below the first `floor` bytes of `out`, taking "." and ".." out. */
static void add_path(struct cenv_buf *out, size_t floor, struct cenv_str path)
{
    while (path.len) {
        struct cenv_str part = cenv_str_cut(&path, '/');
        if (!part.len || cenv_str_is(part, "."))
            continue;
        if (!cenv_str_is(part, "..")) {
            cenv_buf_putc(out, '/');
            cenv_buf_add_str(out, part);
            continue;
        }
        while (out->len > floor && out->data[--out->len] != '/')
            ;
    }
}

bool cenv_url_join(struct cenv_buf *out, struct cenv_str base, struct cenv_str ref)
{
    size_t scheme = cenv_url_scheme_len(base), floor;
    struct cenv_str path = cenv_str_slice(base, scheme ? scheme + 3 : 0, base.len);
    struct cenv_str host =
        scheme ? cenv_str_cut(&path, '/') : cenv_str_slice(base, 0, 0);

    if (cenv_url_scheme_len(ref))
        return cenv_buf_add_str(out, ref);
    cenv_buf_add_str(out, cenv_str_slice(base, 0, scheme ? scheme + 1 : 0));
    if (cenv_str_starts(ref, CENV_STR("//")))
        return cenv_buf_add_str(out, ref);
    if (scheme)
        cenv_buf_puts(out, "//");
    cenv_buf_add_str(out, host);
    floor = out->len;
    if (!cenv_str_starts(ref, CENV_STR("/")))
        add_path(out, floor, path);
    add_path(out, floor, ref);
    if (cenv_str_ends(ref.len ? ref : base, CENV_STR("/")) && !out->failed &&
        out->len && out->data[out->len - 1] != '/')
        cenv_buf_putc(out, '/');
    if (!out->failed && out->data)
        out->data[out->len] = '\0';
    return !out->failed;
}

/* ---- quoting ---- */

static bool needs_quote(unsigned char c)
{
    if (cenv_is_alpha((char)c) || cenv_is_digit((char)c) || c == '-' || c == '.' ||
        c == '_')
        return false;
    return c <= ' ' || c >= 0x7f || memchr("%?#\"<>\\^`{|}", c, 12);
}

size_t cenv_url_quoted_len(struct cenv_str name)
{
    size_t len = name.len;

    for (size_t i = 0; i < name.len; i++)
        len += needs_quote((unsigned char)name.data[i]) ? 2 : 0;
    return len;
}

void cenv_url_quote(char *out, struct cenv_str name)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (!needs_quote(c)) {
            *out++ = name.data[i];
            continue;
        }
        *out++ = '%';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
    }
}

bool cenv_url_unquote(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        int high, low;
        if (text.data[i] != '%') {
            cenv_buf_putc(out, text.data[i]);
            continue;
        }
        high = i + 2 < text.len ? cenv_hex_value(text.data[i + 1]) : -1;
        low = high < 0 ? -1 : cenv_hex_value(text.data[i + 2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        cenv_buf_putc(out, (char)(high * 16 + low));
        i += 2;
    }
    return !out->failed;
}
