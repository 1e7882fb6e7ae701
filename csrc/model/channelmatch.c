/* SPDX-License-Identifier: BSD-3-Clause */
/* The channel of a spec: see channelmatch.h. */
#include "model/channelmatch.h"

#include "base/buf.h"
#include "codec/url.h"
#include "model/channel.h"
#include "model/platform.h"

enum { URL_MAX = 8192 };

/* Without blanks at its ends and slashes at its end; "/" stays. */
static struct cenv_str trim_channel(struct cenv_str text)
{
    text = cenv_str_trim(text);
    while (text.len > 1 && text.data[text.len - 1] == '/')
        text = cenv_str_trim(cenv_str_slice(text, 0, text.len - 1));
    return text;
}

/* Takes a known subdir off the end of "channel/subdir". */
static struct cenv_str take_subdir(struct cenv_str text, struct cenv_str *subdir)
{
    size_t slash = cenv_str_rfind(text, '/');
    struct cenv_str last = cenv_str_slice(text, slash + 1, text.len);

    if (slash == text.len || !cenv_platform_is_subdir(last))
        return text;
    *subdir = last;
    return trim_channel(cenv_str_slice(text, 0, slash));
}

struct cenv_str cenv_channelmatch_place(struct cenv_str url)
{
    size_t at = cenv_str_find(url, ':');
    struct cenv_str rest = cenv_str_slice(url, at, url.len);

    if (cenv_str_starts(rest, CENV_STR("://")))
        url = cenv_str_slice(rest, 3, rest.len);
    return trim_channel(url);
}

/* The canonical name under an alias; data NULL when it cannot be had. */
static struct cenv_str name_under(struct cenv_str url, struct cenv_str alias,
                                  struct cenv_arena *arena)
{
    struct cenv_str copy = {NULL, 0};
    struct cenv_buf name;

    cenv_buf_init(&name, URL_MAX);
    if (cenv_channel_name(&name, url, alias))
        copy = cenv_arena_str(arena, trim_channel(cenv_buf_str(&name)));
    cenv_buf_release(&name);
    return copy;
}

/* The canonical name of a URL or path, which is a URL when the channel has no name. */
static int set_url(struct cenv_channelmatch *out, struct cenv_str url,
                   struct cenv_arena *arena, struct cenv_error *err)
{
    out->text = name_under(url, CENV_STR("https://conda.anaconda.org"), arena);
    out->url = name_under(url, CENV_STR(""), arena);
    if (!out->text.data || !out->url.data)
        return url.len > URL_MAX / 2
                   ? cenv_error_set(err, CENV_ESPEC, "a channel's URL is too long")
                   : cenv_error_oom(err);
    out->kind = cenv_str_eq(out->text, out->url) ? CENV_CHANNELMATCH_URL
                                                 : CENV_CHANNELMATCH_NAME;
    return 0;
}

static int set_name(struct cenv_channelmatch *out, struct cenv_str name,
                    struct cenv_arena *arena, struct cenv_error *err)
{
    size_t column;
    int rc = cenv_strmatch_parse(&out->pattern, name, false, arena, &column, err);

    out->text = name;
    out->kind = !name.len || out->pattern.kind == CENV_STRMATCH_ANY
                    ? CENV_CHANNELMATCH_ANY
                : out->pattern.kind == CENV_STRMATCH_EXACT ? CENV_CHANNELMATCH_NAME
                                                           : CENV_CHANNELMATCH_PATTERN;
    return rc;
}

int cenv_channelmatch_parse(struct cenv_channelmatch *out, struct cenv_str *subdir,
                            struct cenv_str text, struct cenv_arena *arena,
                            struct cenv_error *err)
{
    struct cenv_channelmatch m = {.kind = CENV_CHANNELMATCH_ANY};
    struct cenv_channel_url parts = {.subdir = {NULL, 0}};
    int rc;

    text = trim_channel(text);
    if (cenv_channel_split(&parts, text)) {
        rc = set_url(&m, text, arena, err);
    } else if (cenv_url_scheme_len(text)) {
        rc = cenv_error_set(err, CENV_ESPEC, "its channel is no URL");
        cenv_error_hint(err, "in a password write %%2F for a slash and %%40 for an @");
    } else {
        text = take_subdir(text, &parts.subdir);
        rc = text.len && text.data[0] == '/' ? set_url(&m, text, arena, err)
                                             : set_name(&m, text, arena, err);
    }
    if (rc < 0)
        return rc;
    if (parts.subdir.len)
        *subdir = parts.subdir;
    *out = m;
    return 0;
}

static bool is_default(struct cenv_str url)
{
    struct cenv_str where = cenv_channelmatch_place(url);

    return cenv_str_is(where, "repo.anaconda.com/pkgs/main") ||
           cenv_str_is(where, "repo.anaconda.com/pkgs/r") ||
           cenv_str_is(where, "repo.anaconda.com/pkgs/msys2");
}

/* A directory goes by its last name, a channel on a host by its path there. */
static bool has_name(struct cenv_str url, struct cenv_str name)
{
    struct cenv_str where = cenv_channelmatch_place(url);
    bool file = cenv_str_starts(url, CENV_STR("file://"));
    size_t slash = file ? cenv_str_rfind(where, '/') : cenv_str_find(where, '/');

    return slash < where.len &&
           cenv_str_eq(cenv_str_slice(where, slash + 1, where.len), name);
}

bool cenv_channelmatch_is_called(struct cenv_str want, struct cenv_str name,
                                 struct cenv_str url)
{
    return cenv_str_eq(want, name) || has_name(url, want);
}

bool cenv_channelmatch_test(const struct cenv_channelmatch *m, struct cenv_str name,
                            struct cenv_str url)
{
    switch (m->kind) {
    case CENV_CHANNELMATCH_ANY:
        return true;
    case CENV_CHANNELMATCH_NAME:
        if (cenv_channelmatch_is_called(m->text, name, url))
            return true;
        return cenv_str_is(m->text, "defaults") && is_default(url.len ? url : name);
    case CENV_CHANNELMATCH_URL:
        return cenv_str_eq(cenv_channelmatch_place(m->text),
                           cenv_channelmatch_place(url));
    case CENV_CHANNELMATCH_PATTERN:
        return cenv_strmatch_test(&m->pattern, name);
    }
    return false;
}
