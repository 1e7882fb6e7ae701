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
    bool reached;   /* a connection was made */
    bool timed_out; /* it took too long to connect, or to go on */
};

/* A header that the caller wants: its value goes into value[size], "" when there is none or no room
 * for it. Of several lines all, with ", " between them. */
struct cenv_http_wanted {
    const char *name;
    char *value;
    size_t size;
};

/* What headers tell about this try alone. */
struct cenv_http_told {
    unsigned retry_after; /* seconds, as the server asked */
    uint64_t range;       /* where a 206 starts; UINT64_MAX: it does not say */
    uint64_t length;      /* Content-Length; 0: it does not say */
    bool over;            /* all headers are there */
    uint64_t bytes;       /* of all headers, those of redirects too */
};

/*
 * Reads one line as it came, with its end. The status line of a further reply (after a redirect, a
 * 100) forgets what the one before told. Values too long for their field are left out.
 */
void cenv_http_header_read(struct cenv_http_reply *reply, struct cenv_http_told *told,
                           struct cenv_str line);

/* The same of headers that are wanted. */
void cenv_http_header_keep(struct cenv_http_wanted *wanted, size_t nr,
                           struct cenv_str line);

#endif
