/* SPDX-License-Identifier: BSD-3-Clause */
/* The header lines of a reply. */
#ifndef CENV_NET_HTTP_HEADER_H
#define CENV_NET_HTTP_HEADER_H

#include <stdint.h>

#include "base/str.h"

/* What the server said last. Strings are "" when it said nothing. */
struct cenv_http_reply {
    long status;
    char etag[256];
    char modified[64]; /* Last-Modified */
    int64_t max_age;   /* of Cache-Control, in seconds; -1: none */
    uint64_t received; /* bytes of the body written */
    unsigned tries;
    bool reached; /* a connection was made */
};

/* What headers tell about this try alone. */
struct cenv_http_told {
    unsigned retry_after; /* seconds, as the server asked */
    uint64_t range;       /* where a 206 starts; UINT64_MAX: it does not say */
};

/*
 * Reads one line as it came, with its end. The status line of a further reply (after a redirect, a
 * 100) forgets what the one before told. Values too long for their field are left out.
 */
void cenv_http_header_read(struct cenv_http_reply *reply, struct cenv_http_told *told,
                           struct cenv_str line);

#endif
