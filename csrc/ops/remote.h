/* SPDX-License-Identifier: BSD-3-Clause */
/* What fetching repodata and fetching packages share: where a URL leads, why a download failed. */
#ifndef CENV_OPS_REMOTE_H
#define CENV_OPS_REMOTE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "io/http.h"

/*
 * 1: `url` is a file:// URL or an absolute path, and the path is appended to `path`; 0: it is to be
 * fetched over http or https; or CENV_ECHANNEL for anything else.
 */
int cenv_remote_local(struct cenv_str url, struct cenv_buf *path,
                      struct cenv_error *err);

/*
 * Sets "cannot fetch URL without secrets: reason" from a transfer that failed or was answered with
 * anything but 200: CENV_ECHANNEL, or the transfer's own status. The hint says what to do.
 */
int cenv_remote_failed(struct cenv_http_transfer *transfer, struct cenv_error *err);

#endif
