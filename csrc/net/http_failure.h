/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers that fail: which may pass, and what is said of the others. */
#ifndef CENV_NET_HTTP_FAILURE_H
#define CENV_NET_HTTP_FAILURE_H

#include <stdbool.h>

#include "base/error.h"
#include "net/curl.h"
#include "net/http_transfer.h"

/* Whether it may succeed when it is tried again; `status` of a reply that is whole. */
bool cenv_http_failure_passes(CURLcode code, long status);

/* Sets libcurl's reason (`text`, or the code's where that is empty), with what to do:
 * CENV_ECHANNEL. */
void cenv_http_failure_set(struct cenv_error *err, const struct cenv_curl *lib,
                           CURLcode code, const char *text,
                           const struct cenv_http_options *options);

#endif
