/* SPDX-License-Identifier: BSD-3-Clause */
/* What fetching repodata and fetching packages share: where a URL leads, why a download failed. */
#ifndef CENV_NET_NETWORK_H
#define CENV_NET_NETWORK_H

#include "base/buf.h"
#include "base/error.h"
#include "codec/json.h"
#include "codec/secret_url.h"
#include "net/http.h"

/* Connections under the user's settings. */
struct cenv_network {
    struct cenv_http_options options;
    struct cenv_http_proxy *proxies;
    struct cenv_http *http; /* NULL: not open */
};

/*
 * Opens under `settings` (borrowed until close; NULL: the defaults), .condarc's own keys:
 * ssl_verify (true, false, "truststore" or a path), client_ssl_cert, client_ssl_cert_key,
 * proxy_servers {where: url}, remote_connect_timeout_secs, remote_read_timeout_secs,
 * remote_max_retries. One that is open already stays as it is. CENV_EFAIL: no libcurl.
 */
int cenv_network_open(struct cenv_network *network, const struct cenv_json *settings,
                      struct cenv_error *err);
void cenv_network_close(struct cenv_network *network); /* zero-initialised is fine */

/*
 * 1: `url` leads to this machine, and the path there is appended to `path`; 0: it is to be fetched
 * over http or https; or CENV_ECHANNEL for anything else.
 */
int cenv_network_local_path(const struct cenv_secret_url *url, struct cenv_buf *path,
                            struct cenv_error *err);

/*
 * Sets "cannot fetch URL: reason" from a transfer that failed or was answered with
 * anything but 200: CENV_ECHANNEL, or the transfer's own status. The hint says what to do.
 */
int cenv_network_set_error(struct cenv_http_transfer *transfer, struct cenv_error *err);

#endif
