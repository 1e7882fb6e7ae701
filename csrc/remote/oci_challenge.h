/* SPDX-License-Identifier: BSD-3-Clause */
/* What a registry answers to one it does not know: where tokens are got, and who is told there. */
#ifndef CENV_REMOTE_OCI_CHALLENGE_H
#define CENV_REMOTE_OCI_CHALLENGE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "codec/secret_url.h"

/* Spans of the header; "" where it does not say. */
struct cenv_oci_challenge {
    struct cenv_str realm, service, scope;
};

/* Of the value of WWW-Authenticate, which may hold several schemes (RFC 9110, 11.6.1): false when
 * none of them is Bearer with a realm. */
bool cenv_oci_challenge_read(struct cenv_str text, struct cenv_oci_challenge *out);

/*
 * Whose host a realm is: the registry's own (scheme, host and port are the same), one of its domain
 * at port 443, as auth.docker.io is for registry-1.docker.io, or another's. CENV_EREMOTE: it is no
 * URL of a service, or has no TLS where the registry has.
 */
enum cenv_oci_service { CENV_OCI_OTHER, CENV_OCI_OWN, CENV_OCI_RELATED };
int cenv_oci_challenge_service(const struct cenv_secret_url *registry,
                               struct cenv_str realm, struct cenv_error *err);

/* Makes the URL of a realm with its query: with the login of the registry's URL, but on another's
 * host. */
int cenv_oci_challenge_url(struct cenv_secret_url **out,
                           const struct cenv_secret_url *registry, struct cenv_str ref,
                           enum cenv_oci_service service, struct cenv_error *err);

#endif
