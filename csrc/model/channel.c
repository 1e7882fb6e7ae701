/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of channels and packages, split the way conda splits them. */
#include "model/channel.h"

#include "codec/url.h"
#include "model/dist.h"
#include "model/platform.h"

static struct cenv_str trim_slashes(struct cenv_str s)
{
    while (s.len && s.data[0] == '/')
        s = cenv_str_slice(s, 1, s.len);
    while (s.len && s.data[s.len - 1] == '/')
        s.len--;
    return s;
}

/* Finds "t/TOKEN" among the components of *path; *path becomes what follows. */
static void cut_token(struct cenv_channel_url *u, struct cenv_str *path)
{
    for (size_t at = 0; at < path->len; at++) {
        struct cenv_str rest = cenv_str_slice(*path, at, path->len);
        if ((at && path->data[at - 1] != '/') || !cenv_str_starts(rest, CENV_STR("t/")))
            continue;
        rest = cenv_str_slice(rest, 2, rest.len);
        size_t len = cenv_url_token_len(rest);
        if (!len || (len < rest.len && rest.data[len] != '/'))
            continue;
        u->root = trim_slashes(cenv_str_slice(*path, 0, at));
        u->token = cenv_str_slice(rest, 0, len);
        *path = trim_slashes(cenv_str_slice(rest, len, rest.len));
        return;
    }
}

/* The last component of *path, which is shortened by it. */
static struct cenv_str pop_component(struct cenv_str *path)
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

static void cut_subdir(struct cenv_channel_url *u, struct cenv_str *path)
{
    struct cenv_str rest = *path, last = pop_component(&rest);

    if (cenv_platform_is_subdir(last)) {
        u->subdir = last;
        *path = rest;
    } else if (is_file(last)) {
        u->file = last;
        *path = rest;
        last = pop_component(&rest);
        if (cenv_platform_is_subdir(last)) {
            u->subdir = last;
            *path = rest;
        }
    }
}

bool cenv_channel_split(struct cenv_channel_url *out, struct cenv_str url)
{
    struct cenv_channel_url u = {.scheme = {url.data, cenv_url_scheme_len(url)}};
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

static void add_place(struct cenv_buf *out, const struct cenv_channel_url *u)
{
    cenv_buf_add_str(out, u->scheme);
    cenv_buf_puts(out, "://");
    cenv_buf_add_str(out, u->host);
    add_component(out, u->root);
    add_component(out, u->location);
}

/* The part of u's location below alias, which must be on the same host; false when it is not. */
static bool is_below(const struct cenv_channel_url *u,
                     const struct cenv_channel_url *alias, struct cenv_str *name)
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

bool cenv_channel_name(struct cenv_buf *out, struct cenv_str url, struct cenv_str alias)
{
    struct cenv_channel_url u, a;
    struct cenv_str name;

    if (!cenv_channel_split(&u, url))
        return cenv_buf_add_str(out, url);
    if (cenv_channel_split(&a, alias) && is_below(&u, &a, &name))
        return cenv_buf_add_str(out, name);
    add_place(out, &u);
    return !out->failed;
}

bool cenv_channel_strip(struct cenv_buf *out, struct cenv_str url)
{
    struct cenv_channel_url u;

    if (!cenv_channel_split(&u, url))
        return cenv_buf_add_str(out, url);
    add_place(out, &u);
    add_component(out, u.subdir);
    add_component(out, u.file);
    return !out->failed;
}
