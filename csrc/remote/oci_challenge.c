/* SPDX-License-Identifier: BSD-3-Clause */
/* Challenges of registries: see oci_challenge.h. */
#include "remote/oci_challenge.h"

/* Takes one NAME=VALUE or NAME="VALUE" off; false at what is none: the next scheme, or the end. */
static bool take_parameter(struct cenv_str *rest, struct cenv_str *name,
                           struct cenv_str *value)
{
    size_t len = 0;

    while (rest->len && (cenv_is_blank(rest->data[0]) || rest->data[0] == ','))
        *rest = cenv_str_slice(*rest, 1, rest->len);
    while (len < rest->len &&
           (cenv_is_alnum(rest->data[len]) || rest->data[len] == '_'))
        len++;
    if (len == 0 || len == rest->len || rest->data[len] != '=')
        return false;
    *name = cenv_str_slice(*rest, 0, len);
    *rest = cenv_str_slice(*rest, len + 1, rest->len);
    if (cenv_str_starts(*rest, CENV_STR("\""))) {
        *rest = cenv_str_slice(*rest, 1, rest->len);
        *value = cenv_str_cut(rest, '"');
        return true;
    }
    *value = cenv_str_trim(cenv_str_slice(*rest, 0, cenv_str_find(*rest, ',')));
    *rest = cenv_str_slice(*rest, cenv_str_find(*rest, ','), rest->len);
    return true;
}

bool cenv_oci_challenge_read(struct cenv_str text, struct cenv_oci_challenge *out)
{
    static const struct cenv_str bearer = CENV_STR("Bearer ");
    struct cenv_str name, value;

    *out = (struct cenv_oci_challenge){.realm = {NULL, 0}};
    while (text.len && !cenv_str_starts_nocase(text, bearer))
        text = cenv_str_slice(text, 1, text.len);
    text = cenv_str_slice(text, bearer.len, text.len);
    while (take_parameter(&text, &name, &value)) {
        if (cenv_str_is(name, "realm"))
            out->realm = value;
        else if (cenv_str_is(name, "service"))
            out->service = value;
        else if (cenv_str_is(name, "scope"))
            out->scope = value;
    }
    return out->realm.len > 0;
}

/* ---- who is told ---- */

bool cenv_oci_challenge_is_own(const struct cenv_url_parts *a,
                               const struct cenv_url_parts *b)
{
    return cenv_str_eq(a->scheme, b->scheme) && cenv_str_eq(a->host, b->host);
}

/* The last labels of a name that one owner has: two, or three where the last two may be everyone's
 * ("co.uk"); none of an address or of what has a port. */
static struct cenv_str find_domain(struct cenv_str host)
{
    struct cenv_str none = {NULL, 0}, rest = host;
    size_t first = cenv_str_rfind(host, '.');

    if (first == host.len || cenv_str_find(host, ':') < host.len ||
        !cenv_is_alpha(host.data[host.len - 1]))
        return none;
    rest.len = first;
    size_t second = cenv_str_rfind(rest, '.');
    bool shared = host.len - first == 3 && first - second <= 4;
    if (second == rest.len)
        return shared ? none : host;
    if (!shared)
        return cenv_str_slice(host, second + 1, host.len);
    rest.len = second;
    size_t third = cenv_str_rfind(rest, '.');
    return third == rest.len ? host : cenv_str_slice(host, third + 1, host.len);
}

bool cenv_oci_challenge_is_related(const struct cenv_url_parts *a,
                                   const struct cenv_url_parts *b)
{
    struct cenv_str domain = find_domain(a->host);

    return domain.len && cenv_str_is(a->scheme, "https") &&
           cenv_str_eq(a->scheme, b->scheme) &&
           cenv_str_eq(domain, find_domain(b->host));
}
