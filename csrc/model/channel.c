/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of channels and packages, split the way conda splits them. */
#include "model/channel.h"

#include "model/platform.h"
#include "model/record.h"

static struct cenv_str trim_slashes(struct cenv_str s)
{
    while (s.len && s.data[0] == '/')
        s = cenv_str_slice(s, 1, s.len);
    while (s.len && s.data[s.len - 1] == '/')
        s.len--;
    return s;
}

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of "scheme" in "scheme://...", or 0. */
static size_t scheme_len(struct cenv_str url)
{
    size_t i = 0;

    if (!url.len || !is_alpha(url.data[0]))
        return 0;
    while (i < url.len && (is_alpha(url.data[i]) || is_digit(url.data[i]) ||
                           memchr("+-.", url.data[i], 3)))
        i++;
    return cenv_str_starts(cenv_str_slice(url, i, url.len), CENV_STR("://")) ? i : 0;
}

/* What conda takes for a token: letters, digits and '-'; real ones have '_' and '.' as well. */
static size_t token_len(struct cenv_str s)
{
    size_t i = 0;

    while (i < s.len && (is_alpha(s.data[i]) || is_digit(s.data[i]) ||
                         memchr("-_.~%", s.data[i], 5)))
        i++;
    return i;
}

/* Finds "t/TOKEN" among the components of *path; *path becomes what follows. */
static void cut_token(struct cenv_url *u, struct cenv_str *path)
{
    for (size_t at = 0; at < path->len; at++) {
        struct cenv_str rest = cenv_str_slice(*path, at, path->len);
        if ((at && path->data[at - 1] != '/') || !cenv_str_starts(rest, CENV_STR("t/")))
            continue;
        rest = cenv_str_slice(rest, 2, rest.len);
        size_t len = token_len(rest);
        if (!len || (len < rest.len && rest.data[len] != '/'))
            continue;
        u->root = trim_slashes(cenv_str_slice(*path, 0, at));
        u->token = cenv_str_slice(rest, 0, len);
        *path = trim_slashes(cenv_str_slice(rest, len, rest.len));
        return;
    }
}

/* The last component of *path, which is shortened by it. */
static struct cenv_str pop(struct cenv_str *path)
{
    size_t at = cenv_str_rfind(*path, '/');
    struct cenv_str last =
        at == path->len ? *path : cenv_str_slice(*path, at + 1, path->len);

    *path = at == path->len ? cenv_str_slice(*path, 0, 0)
                            : trim_slashes(cenv_str_slice(*path, 0, at));
    return last;
}

static bool is_file(struct cenv_str name)
{
    struct cenv_dist dist;

    return (cenv_dist_split(&dist, name) && dist.ext.len) ||
           cenv_str_ends(name, CENV_STR(".json")) ||
           cenv_str_ends(name, CENV_STR(".zst"));
}

static void cut_subdir(struct cenv_url *u, struct cenv_str *path)
{
    struct cenv_str rest = *path, last = pop(&rest);

    if (cenv_subdir_is_known(last)) {
        u->subdir = last;
        *path = rest;
    } else if (is_file(last)) {
        u->file = last;
        *path = rest;
        last = pop(&rest);
        if (cenv_subdir_is_known(last)) {
            u->subdir = last;
            *path = rest;
        }
    }
}

bool cenv_url_split(struct cenv_url *out, struct cenv_str url)
{
    struct cenv_url u = {.scheme = {url.data, scheme_len(url)}};
    struct cenv_str path = cenv_str_slice(url, u.scheme.len + 3, url.len), authority;
    size_t at;

    if (!u.scheme.len)
        return false;
    path = cenv_str_slice(path, 0, cenv_str_find(path, '#'));
    path = cenv_str_slice(path, 0, cenv_str_find(path, '?'));
    authority = cenv_str_cut(&path, '/');
    at = cenv_str_rfind(authority, '@');
    if (at < authority.len) {
        u.auth = cenv_str_slice(authority, 0, at);
        authority = cenv_str_slice(authority, at + 1, authority.len);
    }
    u.host = authority;
    path = trim_slashes(path);
    if (u.host.len) /* a directory named "t" on this machine hides no secret */
        cut_token(&u, &path);
    cut_subdir(&u, &path);
    u.location = path;
    *out = u;
    return true;
}

/* ---- text made of the parts ---- */

static void add_component(struct cenv_buf *out, struct cenv_str part)
{
    if (!part.len)
        return;
    cenv_buf_putc(out, '/');
    cenv_buf_add_str(out, part);
}

static void add_place(struct cenv_buf *out, const struct cenv_url *u)
{
    cenv_buf_add_str(out, u->scheme);
    cenv_buf_puts(out, "://");
    cenv_buf_add_str(out, u->host);
    add_component(out, u->root);
    add_component(out, u->location);
}

/* The part of u's location below alias, which must be on the same host; false when it is not. */
static bool below(const struct cenv_url *u, const struct cenv_url *alias,
                  struct cenv_str *name)
{
    struct cenv_str rest = u->location;

    if (!cenv_str_eq(u->host, alias->host) || u->root.len)
        return false;
    if (alias->location.len) {
        if (!cenv_str_starts(rest, alias->location))
            return false;
        rest = cenv_str_slice(rest, alias->location.len, rest.len);
        if (rest.len && rest.data[0] != '/')
            return false;
    }
    *name = trim_slashes(rest);
    return name->len > 0;
}

int cenv_channel_name(struct cenv_buf *out, struct cenv_str url, struct cenv_str alias)
{
    struct cenv_url u, a;
    struct cenv_str name;

    if (!cenv_url_split(&u, url))
        return cenv_buf_add_str(out, url);
    if (cenv_url_split(&a, alias) && below(&u, &a, &name))
        return cenv_buf_add_str(out, name);
    add_place(out, &u);
    return out->failed ? -1 : 0;
}

int cenv_url_strip(struct cenv_buf *out, struct cenv_str url)
{
    struct cenv_url u;

    if (!cenv_url_split(&u, url))
        return cenv_buf_add_str(out, url);
    add_place(out, &u);
    add_component(out, u.subdir);
    add_component(out, u.file);
    return out->failed ? -1 : 0;
}

/* Length of the run from `at` on that may be a URL's authority or one component of its path. */
static size_t run_len(struct cenv_str text, size_t at)
{
    size_t start = at;

    while (at < text.len && (unsigned char)text.data[at] > ' ' &&
           !memchr("/\"'<>", text.data[at], 5))
        at++;
    return at - start;
}

int cenv_redact(struct cenv_buf *out, struct cenv_str text)
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
            size_t len = token_len(cenv_str_slice(rest, 3, rest.len));
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
    return out->failed ? -1 : 0;
}

/* ---- joining and quoting ---- */

/* Appends `path` below the first `floor` bytes of `out`, taking "." and ".." out. */
static void add_path(struct cenv_buf *out, size_t floor, struct cenv_str path)
{
    while (path.len) {
        struct cenv_str part = cenv_str_cut(&path, '/');
        if (!part.len || cenv_str_is(part, "."))
            continue;
        if (!cenv_str_is(part, "..")) {
            add_component(out, part);
            continue;
        }
        while (out->len > floor && out->data[--out->len] != '/')
            ;
    }
}

int cenv_url_join(struct cenv_buf *out, struct cenv_str base, struct cenv_str ref)
{
    size_t scheme = scheme_len(base), floor;
    struct cenv_str path = cenv_str_slice(base, scheme ? scheme + 3 : 0, base.len);
    struct cenv_str host =
        scheme ? cenv_str_cut(&path, '/') : cenv_str_slice(base, 0, 0);

    if (scheme_len(ref))
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
    return out->failed ? -1 : 0;
}

static bool needs_quote(unsigned char c)
{
    if (is_alpha((char)c) || is_digit((char)c) || c == '-' || c == '.' || c == '_')
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

static int hex_digit(char c)
{
    char lower = (char)(c | 0x20);

    if (is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int cenv_url_unquote(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        int high, low;
        if (text.data[i] != '%') {
            cenv_buf_putc(out, text.data[i]);
            continue;
        }
        high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        low = high < 0 ? -1 : hex_digit(text.data[i + 2]);
        if (low < 0 || high * 16 + low == 0)
            return -1;
        cenv_buf_putc(out, (char)(high * 16 + low));
        i += 2;
    }
    return out->failed ? -1 : 0;
}
