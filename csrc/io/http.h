/* SPDX-License-Identifier: BSD-3-Clause */
/* Many downloads at once over HTTP(S); the only user of libcurl, which is loaded on first use. */
#ifndef CENV_IO_HTTP_H
#define CENV_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/task.h"

/* What the server said last. Strings are "" when it said nothing. */
struct cenv_http_reply {
    long status;
    char etag[256];
    char modified[64]; /* Last-Modified */
    int64_t max_age;   /* of Cache-Control, in seconds; -1: none */
    uint64_t received; /* bytes of the body written */
    unsigned tries;
};

/*
 * One GET. The body of a 200 is written to `file`, made new in the directory `dir` when the transfer
 * starts (0666 through the umask); other bodies are dropped. A reply of any status is a success here. `rc` and `err` are the transfer's own: no
 * connection, a body cut short, a body over `max_size`, a failing disk (CENV_EOS).
 */
struct cenv_http_transfer {
    const char *url;             /* with its secrets; http or https */
    const char *etag, *modified; /* of the copy we have, or NULL */
    int dir;
    const char *file;
    uint64_t max_size; /* 0: any */
    bool text;         /* may come compressed */
    struct cenv_http_reply reply;
    int rc;
    struct cenv_error err; /* its text may hold parts of the URL: redact it */
};

/* Called on the calling thread when a transfer is over; a status ends the run. */
typedef int (*cenv_http_done_fn)(void *ctx, struct cenv_http_transfer *transfer,
                                 struct cenv_error *err);

/*
 * Runs all transfers in the order given, at most `parallel` at once. Tried again, up to three times
 * with growing pauses or as Retry-After says (at most a minute): failures to connect or to receive
 * and statuses 408, 429, 500, 502, 503, 504. A transfer that receives under 30 bytes a second for a
 * minute is over.
 *
 * Redirects are followed ten times, never from https to http; credentials stay with their origin.
 * The environment is obeyed as conda does: http_proxy, https_proxy, all_proxy, no_proxy in either
 * case; REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR in this order; NETRC and
 * ~/.netrc. `task` counts received bytes and may cancel.
 */
int cenv_http_run(struct cenv_http_transfer *const *transfers, size_t nr,
                  unsigned parallel, cenv_http_done_fn done, void *ctx,
                  struct cenv_task *task, struct cenv_error *err);

#endif
