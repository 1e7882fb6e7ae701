/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs with secrets: see secret_url.h. */
#include "codec/secret_url.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "codec/url.h"

enum { URL_MAX = 256 << 10 };

struct cenv_secret_url {
    char *text;    /* without secrets */
    char *request; /* with them; as long as this URL, and no longer */
};

void cenv_secret_url_free(struct cenv_secret_url *url)
{
    if (!url)
        return;
    cenv_free(url->text);
    cenv_free(url->request);
    cenv_free(url);
}

struct cenv_str cenv_secret_url_text(const struct cenv_secret_url *url)
{
    return cenv_str(url->text);
}

const char *cenv_secret_url_for_request(const struct cenv_secret_url *url)
{
    return url->request;
}

bool cenv_secret_url_has_secrets(const struct cenv_secret_url *url)
{
    return strcmp(url->text, url->request) != 0;
}

/* Takes over `request`, which is in normal form. */
static int wrap_request(struct cenv_secret_url **out, struct cenv_buf *request,
                        struct cenv_error *err)
{
    struct cenv_secret_url *url = cenv_calloc(1, sizeof(*url));
    struct cenv_buf text;

    cenv_buf_init(&text, URL_MAX);
    cenv_url_clean(&text, cenv_buf_str(request));
    if (url) {
        url->text = cenv_buf_detach(&text);
        url->request = cenv_buf_detach(request);
    }
    cenv_buf_release(&text);
    cenv_buf_release(request);
    if (url && url->text && url->request) {
        *out = url;
        return 0;
    }
    cenv_secret_url_free(url);
    return cenv_error_oom(err);
}

static int refuse_text(struct cenv_str text, struct cenv_error *err)
{
    struct cenv_buf shown;
    bool file = cenv_str_starts_nocase(text, CENV_STR("file:"));
    bool known = !file && cenv_url_scheme_len(text);

    cenv_buf_init(&shown, URL_MAX);
    cenv_url_clean(&shown, text);
    cenv_error_set(err, CENV_ECHANNEL, "'%s' is no URL%s", shown.data ? shown.data : "",
                   known ? "" : ": only http, https and file URLs are known");
    cenv_buf_release(&shown);
    return cenv_error_hint(err,
                           file ? "a file URL has three slashes and an absolute path"
                                : "in a password write %%2F for a slash and %%40 "
                                  "for an @, in a path %%40 for an @");
}

int cenv_secret_url_new(struct cenv_secret_url **out, struct cenv_str text,
                        struct cenv_error *err)
{
    struct cenv_buf request;

    cenv_buf_init(&request, URL_MAX);
    if (text.len > URL_MAX / 4)
        return cenv_error_set(err, CENV_ECHANNEL, "a URL is too long");
    if (!cenv_url_normalize(&request, text)) {
        cenv_buf_release(&request);
        return refuse_text(text, err);
    }
    return wrap_request(out, &request, err);
}

int cenv_secret_url_child(struct cenv_secret_url **out,
                          const struct cenv_secret_url *url, struct cenv_str path,
                          struct cenv_error *err)
{
    struct cenv_str base = cenv_str(url->request);
    size_t query = cenv_str_find(base, '?');
    struct cenv_buf request;

    cenv_buf_init(&request, URL_MAX);
    cenv_buf_add_str(&request, cenv_str_slice(base, 0, query));
    if (!cenv_str_ends(cenv_buf_str(&request), CENV_STR("/")))
        cenv_buf_putc(&request, '/');
    cenv_buf_add_str(&request, path);
    cenv_buf_add_str(&request, cenv_str_slice(base, query, base.len));
    return wrap_request(out, &request, err);
}

static bool same_origin(const struct cenv_url_parts *a, const struct cenv_url_parts *b)
{
    return cenv_str_eq(a->scheme, b->scheme) && cenv_str_eq(a->host, b->host);
}

/* `target`, in normal form, with the login and query of `base` where it has none of its own. */
static void add_secrets(struct cenv_buf *out, struct cenv_str target,
                        const struct cenv_url_parts *base)
{
    struct cenv_url_parts own;

    if (!cenv_url_split(&own, target) || !own.host.len || !same_origin(&own, base)) {
        cenv_buf_add_str(out, target);
        return;
    }
    struct cenv_str auth = own.auth.len ? own.auth : base->auth;
    const char *host = own.host.data, *end = target.data + target.len;
    cenv_buf_addf(out, "%.*s://", CENV_STR_ARG(own.scheme));
    if (auth.len)
        cenv_buf_addf(out, "%.*s@", CENV_STR_ARG(auth));
    cenv_buf_add(out, host, (size_t)(end - host));
    if (base->query.len && !own.query.len)
        cenv_buf_addf(out, "?%.*s", CENV_STR_ARG(base->query));
}

int cenv_secret_url_join(struct cenv_secret_url **out,
                         const struct cenv_secret_url *url, struct cenv_str ref,
                         struct cenv_error *err)
{
    struct cenv_str whole = cenv_str(url->request);
    struct cenv_str place = cenv_str_slice(whole, 0, cenv_str_find(whole, '?'));
    struct cenv_buf joined, target, request;
    struct cenv_url_parts base;

    cenv_buf_init(&joined, URL_MAX);
    cenv_buf_init(&target, URL_MAX);
    cenv_buf_init(&request, URL_MAX);
    cenv_url_join(&joined, place, ref);
    bool known = cenv_url_split(&base, whole) &&
                 cenv_url_normalize(&target, cenv_buf_str(&joined));
    if (known)
        add_secrets(&request, cenv_buf_str(&target), &base);
    request.failed |= joined.failed | target.failed;
    cenv_buf_release(&joined);
    cenv_buf_release(&target);
    if (known || request.failed)
        return wrap_request(out, &request, err);
    cenv_buf_release(&request);
    return refuse_text(ref, err);
}

int cenv_secret_url_move(struct cenv_secret_url **out,
                         const struct cenv_secret_url *url, const char *scheme,
                         const char *host, const char *head, struct cenv_error *err)
{
    struct cenv_str from = cenv_str(url->request);
    struct cenv_url_parts parts;
    struct cenv_buf to;

    if (!cenv_url_split(&parts, from) || !parts.host.len)
        return refuse_text(from, err);
    const char *path = parts.host.data + parts.host.len;
    cenv_buf_init(&to, URL_MAX);
    cenv_buf_addf(&to, "%s://", scheme);
    if (parts.auth.len)
        cenv_buf_addf(&to, "%.*s@", CENV_STR_ARG(parts.auth));
    if (host)
        cenv_buf_puts(&to, host);
    else
        cenv_buf_add_str(&to, parts.host);
    cenv_buf_addf(&to, "/%s", head);
    cenv_buf_puts(&to, path);
    int rc = to.failed ? cenv_error_oom(err)
                       : cenv_secret_url_new(out, cenv_buf_str(&to), err);
    cenv_buf_release(&to);
    return rc;
}
