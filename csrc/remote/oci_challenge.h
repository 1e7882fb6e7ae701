/* SPDX-License-Identifier: BSD-3-Clause */
/* What a registry answers to one it does not know: where tokens are got, and who is told there. */
#ifndef CENV_REMOTE_OCI_CHALLENGE_H
#define CENV_REMOTE_OCI_CHALLENGE_H

#include <stdbool.h>

#include "base/str.h"
#include "codec/url.h"

/* Spans of the header; "" where it does not say. */
struct cenv_oci_challenge {
    struct cenv_str realm, service, scope;
};

/* Of the value of WWW-Authenticate, which may hold several schemes (RFC 9110, 11.6.1): false when
 * none of them is Bearer with a realm. */
bool cenv_oci_challenge_read(struct cenv_str text, struct cenv_oci_challenge *out);

/* Whether the service at `b` is the registry at `a`: scheme, host and port are the same. */
bool cenv_oci_challenge_is_own(const struct cenv_url_parts *a,
                               const struct cenv_url_parts *b);

/* Whether it is another host of the same domain, under TLS, as auth.docker.io for
 * registry-1.docker.io. */
bool cenv_oci_challenge_is_related(const struct cenv_url_parts *a,
                                   const struct cenv_url_parts *b);

#endif
