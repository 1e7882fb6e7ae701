/* SPDX-License-Identifier: BSD-3-Clause */
/* Many downloads at once over HTTP(S); the only user of libcurl, which is loaded on first use. */
#ifndef CENV_NET_HTTP_H
#define CENV_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"
#include "codec/secret_url.h"
#include "net/certificates.h"
#include "net/http_header.h"
#include "net/http_proxy.h"

/* How the network is reached; zero is the default. All strings are borrowed. */
struct cenv_http_options {
    bool insecure; /* any certificate will do */
    struct cenv_certificates certificates;
    const char *cert, *key; /* the client's own, or NULL */
    const struct cenv_http_proxy *proxies;
    size_t nr_proxies;
    unsigned connect_ms;   /* 0: 9150 */
    unsigned read_seconds; /* 0: 60 */
    unsigned tries;        /* 0: 4 */
};

/*
 * Connections, kept from one run to the next; `options` are borrowed until free. One thread at a
 * time. CENV_EFAIL: libcurl cannot be loaded.
 */
struct cenv_http;
int cenv_http_open(struct cenv_http **out, const struct cenv_http_options *options,
                   struct cenv_error *err);
void cenv_http_free(struct cenv_http *http); /* NULL is fine */

/*
 * One GET. The body of a 200 is appended to `body`, or written to `file`, made new in the directory
 * `dir` when the transfer starts (0666 through the umask); other bodies are dropped. A reply of any
 * status is a success here. `rc` and `err` are the transfer's own: no connection, a body cut short,
 * a body over `max_size`, a failing disk (CENV_EOS). A body that breaks off is asked for from there
 * on (Range with If-Range) where the server names its version.
 */
struct cenv_http_transfer {
    const struct cenv_secret_url *url; /* http or https; borrowed */
    const char *etag, *modified;       /* of the copy we have, or NULL */
    struct cenv_buf *body;             /* empty, or NULL: a file */
    int dir;
    const char *file;
    uint64_t max_size; /* 0: any */
    bool text;         /* may come compressed */
    struct cenv_http_reply reply;
    int rc;
    struct cenv_error err;
};

/* Called on the calling thread when a transfer is over; a status ends the run. */
typedef int (*cenv_http_done_fn)(void *ctx, struct cenv_http_transfer *transfer,
                                 struct cenv_error *err);

/*
 * Runs all transfers in the order given, at most `parallel` at once. Tried again, up to three times
 * (options.tries) with growing pauses or as Retry-After says (at most a minute): failures to
 * connect or to receive and statuses 408, 429, 500, 502, 503, 504 (a Retry-After that is no number
 * of seconds is ignored). A transfer that receives
 * under 30 bytes a second for a minute (options.read_seconds) is over.
 *
 * Redirects are followed ten times, never from https to http; credentials stay with their origin.
 * The environment is obeyed as conda does: http_proxy, https_proxy, all_proxy, no_proxy in either
 * case; certificates of authorities as certificates.h says; NETRC and ~/.netrc. A proxy of the
 * options for the very host comes before the environment's, one for a scheme after it. `task`
 * counts received bytes and may cancel.
 */
int cenv_http_run(struct cenv_http *http, struct cenv_http_transfer *const *transfers,
                  size_t nr, unsigned parallel, cenv_http_done_fn done, void *ctx,
                  struct cenv_task *task, struct cenv_error *err);

#endif
