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
    struct cenv_url_parts parts;

    if (!cenv_url_split(&parts, url))
        return false;
    *out = (struct cenv_channel_url){
        .scheme = parts.scheme,
        .auth = parts.auth,
        .host = parts.host,
        .root = parts.root,
        .token = parts.token,
        .location = parts.path,
        .query = parts.query,
    };
    cut_subdir(out, &out->location);
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

/* Of a URL in normal form. */
static void add_name(struct cenv_buf *out, struct cenv_str url, struct cenv_str alias)
{
    struct cenv_channel_url u, a;
    struct cenv_str name;

    if (!cenv_channel_split(&u, url))
        cenv_url_clean(out, url);
    else if (cenv_channel_split(&a, alias) && is_below(&u, &a, &name))
        cenv_buf_add_str(out, name);
    else
        add_place(out, &u);
}

bool cenv_channel_name(struct cenv_buf *out, struct cenv_str url, struct cenv_str alias)
{
    struct cenv_buf normal;

    cenv_buf_init(&normal, 3 * url.len + 16);
    if (cenv_url_normalize(&normal, url))
        add_name(out, cenv_buf_str(&normal), alias);
    else
        cenv_url_clean(out, url);
    out->failed |= normal.failed;
    cenv_buf_release(&normal);
    return !out->failed;
}

bool cenv_channel_has_secrets(struct cenv_str url)
{
    struct cenv_url_parts parts;

    if (!cenv_url_split(&parts, url))
        return cenv_url_scheme_len(url) > 0; /* nobody knows what is in it */
    return parts.auth.len || parts.token.len || parts.query.len;
}

static bool is_local(struct cenv_str url)
{
    return !url.len || url.data[0] == '/' || cenv_str_starts(url, CENV_STR("file:"));
}

int cenv_channel_add_base(struct cenv_buf *out, struct cenv_str directory,
                          struct cenv_str base_url, struct cenv_error *err)
{
    size_t start = out->len;
    struct cenv_buf joined;
    int rc = 0;

    if (cenv_channel_has_secrets(base_url))
        return cenv_error_set(err, CENV_ECHANNEL, "base_url has credentials in it");
    cenv_buf_init(&joined, directory.len + base_url.len + 16);
    cenv_url_join(&joined, directory, base_url);
    struct cenv_str url = cenv_buf_str(&joined);
    bool plain = !cenv_url_scheme_len(directory) && !cenv_url_scheme_len(url);
    if (plain || joined.failed) /* of a file without a channel */
        cenv_buf_add_str(out, url);
    else if (!cenv_url_normalize(out, url))
        rc = cenv_error_set(err, CENV_ECHANNEL, "base_url is no URL");
    bool whole = !joined.failed && !out->failed;
    struct cenv_str found = cenv_str_slice(cenv_buf_str(out), start, out->len);
    if (rc == 0 && whole && !is_local(directory) && is_local(found))
        rc = cenv_error_set(err, CENV_ECHANNEL,
                            "base_url leads to files of this machine");
    if (found.len && !cenv_str_ends(found, CENV_STR("/")))
        cenv_buf_putc(out, '/');
    if (rc == 0 && (!whole || out->failed))
        rc = cenv_error_oom(err);
    cenv_buf_release(&joined);
    return rc;
}
