/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of URLs: see url.h. */
#include "codec/url.h"

#include <string.h>

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

/* ---- parts ---- */

static struct cenv_str trim_slashes(struct cenv_str s)
{
    while (s.len && s.data[0] == '/')
        s = cenv_str_slice(s, 1, s.len);
    while (s.len && s.data[s.len - 1] == '/')
        s.len--;
    return s;
}

static bool is_file(struct cenv_str scheme)
{
    return scheme.len == 4 && cenv_str_starts_nocase(scheme, CENV_STR("file"));
}

/* The end of "[v6]" or of a name; anything behind it but a port makes it no host. */
static size_t host_name_len(struct cenv_str host)
{
    size_t len = 0;

    if (cenv_str_starts(host, CENV_STR("["))) {
        while (len < host.len && host.data[len] != ']')
            len++;
        return len < host.len ? len + 1 : 0;
    }
    while (len < host.len &&
           (cenv_is_alnum(host.data[len]) || memchr("-._", host.data[len], 3) ||
            (unsigned char)host.data[len] >= 0x80))
        len++;
    return len;
}

static bool is_host(struct cenv_str host)
{
    size_t at = host_name_len(host);

    if (at == 0 || (at < host.len && host.data[at] != ':'))
        return false;
    while (++at < host.len)
        if (!cenv_is_digit(host.data[at]))
            return false;
    return true;
}

/* Whether an '@' in the path may be the end of a password that was typed as it is. */
static bool hides_password(struct cenv_str host, struct cenv_str path)
{
    bool port = cenv_str_find(host, ':') < host.len;
    bool plain = !port && cenv_str_find(host, '.') < host.len;

    for (size_t i = 1; i < path.len && !plain; i++) {
        struct cenv_str rest = cenv_str_slice(path, i + 1, path.len);
        rest = cenv_str_slice(rest, 0, cenv_str_find(rest, '/'));
        if (path.data[i] == '@' && path.data[i - 1] != '/' &&
            (port || cenv_str_find(rest, '.') < rest.len ||
             cenv_str_find(rest, ':') < rest.len))
            return true;
    }
    return false;
}

static bool has_token(struct cenv_str path)
{
    for (size_t at = 0; at < path.len; at++) {
        struct cenv_str rest = cenv_str_slice(path, at, path.len);
        if ((at == 0 || path.data[at - 1] == '/') &&
            cenv_str_starts(rest, CENV_STR("t/")) && rest.len > 2)
            return true;
    }
    return false;
}

/* Components that readers take away with the one before them, or alone: "." and "..". */
static bool has_dots(struct cenv_str path)
{
    while (path.len) {
        struct cenv_str part = cenv_str_cut(&path, '/');
        if (cenv_str_is(part, ".") || cenv_str_is(part, "..") ||
            cenv_str_starts_nocase(part, CENV_STR("%2e")) ||
            cenv_str_starts_nocase(part, CENV_STR(".%2e")))
            return true;
    }
    return false;
}

/* Finds "t/TOKEN" among the components of the path, which becomes what follows. False: a second
 * one is there, or may be ("t//TOKEN", "t/t/TOKEN", "t/a/../TOKEN"), and nobody knows which is the
 * secret. */
static bool cut_token(struct cenv_url_parts *u)
{
    for (size_t at = 0; at < u->path.len; at++) {
        struct cenv_str rest = cenv_str_slice(u->path, at, u->path.len);
        if ((at && u->path.data[at - 1] != '/') ||
            !cenv_str_starts(rest, CENV_STR("t/")))
            continue;
        rest = cenv_str_slice(rest, 2, rest.len);
        size_t len = cenv_str_find(rest, '/');
        if (!len && rest.len)
            return false;
        if (!len)
            continue;
        if (has_dots(u->path))
            return false;
        u->root = trim_slashes(cenv_str_slice(u->path, 0, at));
        u->token = cenv_str_slice(rest, 0, len);
        u->path = trim_slashes(cenv_str_slice(rest, len, rest.len));
        return !has_token(u->path) && (!cenv_str_is(u->token, "t") || !u->path.len);
    }
    return true;
}

/* What is behind "file:": a path, alone or after "//" and this machine's name. */
static bool split_file(struct cenv_url_parts *u, struct cenv_str rest)
{
    if (cenv_str_starts(rest, CENV_STR("//"))) {
        rest = cenv_str_slice(rest, 2, rest.len);
        struct cenv_str host = cenv_str_slice(rest, 0, cenv_str_find(rest, '/'));
        if (host.len && !cenv_str_is(host, "localhost"))
            return false;
        rest = cenv_str_slice(rest, host.len, rest.len);
        u->host = cenv_str_slice(host, 0, 0);
    }
    u->path = trim_slashes(rest);
    return cenv_str_starts(rest, CENV_STR("/"));
}

static bool split_hosted(struct cenv_url_parts *u, struct cenv_str rest)
{
    size_t slash = cenv_str_find(rest, '/');

    u->host = cenv_str_slice(rest, 0, slash);
    u->path = cenv_str_slice(rest, slash, rest.len);
    size_t at = cenv_str_rfind(u->host, '@');
    if (at < u->host.len) {
        u->auth = cenv_str_slice(u->host, 0, at);
        u->host = cenv_str_slice(u->host, at + 1, u->host.len);
    }
    /* Behind a login too: it is shown without that. */
    if (hides_password(u->host, u->path))
        return false;
    u->path = trim_slashes(u->path);
    return cut_token(u) && is_host(u->host);
}

bool cenv_url_split(struct cenv_url_parts *out, struct cenv_str url)
{
    struct cenv_url_parts u = {.scheme = {url.data, cenv_url_scheme_len(url)}};
    struct cenv_str rest;

    if (!u.scheme.len && cenv_str_starts_nocase(url, CENV_STR("file:/")))
        u.scheme.len = 4;
    if (!u.scheme.len)
        return false;
    rest = cenv_str_slice(url, u.scheme.len + 1, url.len);
    u.fragment = rest;
    rest = cenv_str_cut(&u.fragment, '#');
    u.query = rest;
    rest = cenv_str_cut(&u.query, '?');
    if (is_file(u.scheme) ? !split_file(&u, rest)
                          : !split_hosted(&u, cenv_str_slice(rest, 2, rest.len)))
        return false;
    *out = u;
    return true;
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

    if (cenv_url_scheme_len(ref) || cenv_str_starts_nocase(ref, CENV_STR("file:/")))
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

/* ---- normal form ---- */

static void add_escape(struct cenv_buf *out, unsigned char c)
{
    cenv_buf_addf(out, "%%%02X", c);
}

static bool is_unreserved(unsigned char c)
{
    return cenv_is_alnum((char)c) || (c && memchr("-._~", c, 4));
}

/* The byte that "%XX" at `at` stands for, or -1. */
static int escaped_byte(struct cenv_str text, size_t at)
{
    if (at + 2 >= text.len || text.data[at] != '%')
        return -1;
    int high = cenv_hex_value(text.data[at + 1]),
        low = cenv_hex_value(text.data[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Encodes what a URL cannot hold, and what is in `more`; decodes what needs no encoding. */
static void add_encoded(struct cenv_buf *out, struct cenv_str text, const char *more)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        int byte = escaped_byte(text, i);
        if (byte >= 0) {
            if (is_unreserved((unsigned char)byte))
                cenv_buf_putc(out, (char)byte);
            else
                add_escape(out, (unsigned char)byte);
            i += 2;
        } else if (needs_quote(c) && !(c == '?' || c == '#')) {
            add_escape(out, c);
        } else if (c && strchr(more, c)) {
            add_escape(out, c);
        } else {
            cenv_buf_putc(out, (char)c);
        }
    }
}

static void add_lower(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        cenv_buf_putc(out, cenv_lower(text.data[i]));
}

/* The host without the scheme's own port, and without an empty one. */
static void add_host(struct cenv_buf *out, const struct cenv_url_parts *u)
{
    size_t len = host_name_len(u->host);
    struct cenv_str port = cenv_str_slice(u->host, len + 1, u->host.len);
    bool http = cenv_str_starts_nocase(u->scheme, CENV_STR("http"));
    const char *usual = !http ? "" : u->scheme.len == 4 ? "80" : "443";

    add_lower(out, cenv_str_slice(u->host, 0, len));
    if (port.len && !cenv_str_is(port, usual))
        cenv_buf_addf(out, ":%.*s", CENV_STR_ARG(port));
}

static void add_hosted(struct cenv_buf *out, const struct cenv_url_parts *u)
{
    struct cenv_buf path;
    size_t floor;

    cenv_buf_init(&path, 3 * (u->root.len + u->token.len + u->path.len) + 16);
    add_encoded(&path, u->root, "");
    if (u->token.len) {
        cenv_buf_puts(&path, "/t/");
        add_encoded(&path, u->token, "");
    }
    cenv_buf_putc(&path, '/');
    add_encoded(&path, u->path, "");
    if (u->auth.len) {
        add_encoded(out, u->auth, "@");
        cenv_buf_putc(out, '@');
    }
    add_host(out, u);
    floor = out->len;
    add_path(out, floor, cenv_buf_str(&path));
    out->failed |= path.failed;
    cenv_buf_release(&path);
    if (u->query.len) {
        cenv_buf_putc(out, '?');
        add_encoded(out, u->query, "");
    }
}

/* False when a byte 0 is in it. */
static bool decode_path(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        int byte = escaped_byte(text, i);
        if (byte == 0 || text.data[i] == '\0')
            return false;
        cenv_buf_putc(out, byte > 0 ? (char)byte : text.data[i]);
        i += byte > 0 ? 2 : 0;
    }
    return true;
}

static void add_quoted(struct cenv_buf *out, struct cenv_str text)
{
    char *room = cenv_buf_reserve(out, cenv_url_quoted_len(text));

    if (!room)
        return;
    cenv_url_quote(room, text);
    out->len += cenv_url_quoted_len(text);
    out->data[out->len] = '\0';
}

/* "/a/../b" as it lies on the disk. */
static void add_file(struct cenv_buf *out, struct cenv_str path)
{
    struct cenv_buf plain;

    cenv_buf_init(&plain, path.len + 2);
    add_path(&plain, 0, path);
    cenv_buf_puts(out, "file://");
    add_quoted(out, plain.len ? cenv_buf_str(&plain) : CENV_STR("/"));
    out->failed |= plain.failed;
    cenv_buf_release(&plain);
}

static bool add_file_url(struct cenv_buf *out, struct cenv_str path)
{
    struct cenv_buf plain;

    cenv_buf_init(&plain, path.len + 2);
    bool whole = decode_path(&plain, path);
    if (whole)
        add_file(out, cenv_buf_str(&plain));
    out->failed |= plain.failed;
    cenv_buf_release(&plain);
    return whole;
}

bool cenv_url_normalize(struct cenv_buf *out, struct cenv_str text)
{
    struct cenv_url_parts u, normal;
    size_t from = out->len;

    if (cenv_str_starts(text, CENV_STR("/"))) {
        if (cenv_str_find(text, '\0') < text.len)
            return false;
        add_file(out, text);
        return true;
    }
    if (!cenv_url_split(&u, text))
        return false;
    if (is_file(u.scheme))
        return add_file_url(out, u.path);
    add_lower(out, u.scheme);
    cenv_buf_puts(out, "://");
    add_hosted(out, &u);
    /* What was encoded may hide a password when it is not: "a@b%2ec" as "a@b.c". */
    if (out->failed ||
        cenv_url_split(&normal, cenv_str_slice(cenv_buf_str(out), from, out->len)))
        return true;
    out->len = from;
    out->data[from] = '\0';
    return false;
}

/* ---- without secrets ---- */

/* False where what is left reads as a URL with a secret in another place. */
static bool add_clean(struct cenv_buf *out, struct cenv_url_parts *u)
{
    struct cenv_url_parts left;
    size_t from = out->len;

    u->auth.len = u->query.len = u->token.len = 0;
    if (is_file(u->scheme) && add_file_url(out, u->path))
        return true;
    out->len = from;
    if (is_file(u->scheme))
        return false;
    add_lower(out, u->scheme);
    cenv_buf_puts(out, "://");
    add_hosted(out, u);
    if (out->failed)
        return true;
    if (cenv_url_split(&left, cenv_str_slice(cenv_buf_str(out), from, out->len)) &&
        !left.auth.len && !left.token.len && !left.query.len)
        return true;
    out->len = from;
    return false;
}

bool cenv_url_clean(struct cenv_buf *out, struct cenv_str url)
{
    struct cenv_url_parts u;

    if (cenv_url_split(&u, url) && add_clean(out, &u))
        return !out->failed;
    size_t scheme = cenv_url_scheme_len(url);
    bool secret = cenv_str_find(url, '@') < url.len;
    bool file = cenv_str_starts_nocase(url, CENV_STR("file:"));
    if (file && (secret || cenv_str_find(url, '?') < url.len))
        return cenv_buf_puts(out, "file://***");
    if (!scheme || file)
        return cenv_buf_add_str(out, url);
    cenv_buf_add_str(out, cenv_str_slice(url, 0, scheme));
    return cenv_buf_puts(out, "://***");
}
