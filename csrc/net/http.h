/* SPDX-License-Identifier: BSD-3-Clause */
/* Many transfers at once over HTTP(S). */
#ifndef CENV_NET_HTTP_H
#define CENV_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/task.h"
#include "net/http_transfer.h"

/*
 * Connections, kept from one run to the next; `options` are borrowed until free. One thread at a
 * time. CENV_EFAIL: libcurl cannot be loaded.
 */
struct cenv_http;
int cenv_http_open(struct cenv_http **out, const struct cenv_http_options *options,
                   struct cenv_error *err);
void cenv_http_free(struct cenv_http *http); /* NULL is fine */

/* Whether libcurl signs what is sent to S3 as S3 wants it: it is 7.88 or newer. */
bool cenv_http_can_sign(const struct cenv_http *http);

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
 * A body that is told to be longer than there is a use for ends the transfer before it comes.
 *
 * Redirects are followed ten times, never from https to http; credentials stay with their origin.
 * The environment is obeyed as conda does: http_proxy, https_proxy, all_proxy, no_proxy in either
 * case; certificates of authorities as certificates.h says; NETRC and ~/.netrc. A proxy of the
 * options for the very host comes before the environment's, one for a scheme after it. `task`
 * counts the bytes of bodies in both directions and may cancel.
 */
int cenv_http_run(struct cenv_http *http, struct cenv_http_transfer *const *transfers,
                  size_t nr, unsigned parallel, cenv_http_done_fn done, void *ctx,
                  struct cenv_task *task, struct cenv_error *err);

#endif
