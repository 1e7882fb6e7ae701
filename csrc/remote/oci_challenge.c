/* SPDX-License-Identifier: BSD-3-Clause */
/* Challenges of registries: see oci_challenge.h. */
#include "remote/oci_challenge.h"

#include <stdio.h>

#include "codec/url.h"

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

static bool is_own(const struct cenv_url_parts *a, const struct cenv_url_parts *b)
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

/* "gitlab.example.org:5050" without its port; an address in brackets stays whole. */
static struct cenv_str name_of(struct cenv_str host)
{
    size_t colon = cenv_str_rfind(host, ':');
    bool address = host.len && host.data[host.len - 1] == ']';

    return address ? host : cenv_str_slice(host, 0, colon);
}

/* GitLab's registry is a port of the host that gives tokens at https's own. */
static bool is_related(const struct cenv_url_parts *a, const struct cenv_url_parts *b)
{
    struct cenv_str name = name_of(a->host), domain = find_domain(name);
    bool same = cenv_str_eq(name, b->host) ||
                (domain.len && cenv_str_eq(domain, find_domain(b->host)));

    return same && cenv_str_is(a->scheme, "https") && cenv_str_eq(a->scheme, b->scheme);
}

static int refuse_realm(struct cenv_str realm, const char *why, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EREMOTE, "its token service '%.*s' %s",
                   (int)(realm.len < 200 ? realm.len : 200), realm.data, why);
    return cenv_error_hint(err, "check that the URL is one of a registry");
}

int cenv_oci_challenge_service(const struct cenv_secret_url *registry,
                               struct cenv_str realm, struct cenv_error *err)
{
    struct cenv_url_parts here, there;

    if (!cenv_url_scheme_len(realm) || !cenv_url_split(&there, realm) ||
        !cenv_str_starts(realm, CENV_STR("http")) || there.auth.len)
        return refuse_realm(realm, "has no URL", err);
    if (!cenv_url_split(&here, cenv_secret_url_text(registry)))
        return refuse_realm(realm, "is of no registry", err);
    if (cenv_str_is(here.scheme, "https") && !cenv_str_is(there.scheme, "https"))
        return refuse_realm(realm, "has no TLS, as the registry has", err);
    if (is_own(&here, &there))
        return CENV_OCI_OWN;
    return is_related(&here, &there) ? CENV_OCI_RELATED : CENV_OCI_OTHER;
}

/* The registry's URL as if it were on the host of `ref`. */
static int move_login(struct cenv_secret_url **out,
                      const struct cenv_secret_url *registry, struct cenv_str ref,
                      struct cenv_error *err)
{
    struct cenv_url_parts there;
    char host[300];

    if (!cenv_url_split(&there, ref) || there.host.len >= sizeof(host))
        return refuse_realm(ref, "has no URL", err);
    snprintf(host, sizeof(host), "%.*s", CENV_STR_ARG(there.host));
    return cenv_secret_url_move(out, registry, "https", host, "v2", err);
}

int cenv_oci_challenge_url(struct cenv_secret_url **out,
                           const struct cenv_secret_url *registry, struct cenv_str ref,
                           enum cenv_oci_service service, struct cenv_error *err)
{
    struct cenv_secret_url *moved = NULL;
    int rc;

    if (service == CENV_OCI_OTHER)
        return cenv_secret_url_new(out, ref, err);
    if (service == CENV_OCI_OWN)
        return cenv_secret_url_join(out, registry, ref, err);
    rc = move_login(&moved, registry, ref, err);
    if (rc == 0)
        rc = cenv_secret_url_join(out, moved, ref, err);
    cenv_secret_url_free(moved);
    return rc;
}
