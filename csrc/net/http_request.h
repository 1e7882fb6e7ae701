/* SPDX-License-Identifier: BSD-3-Clause */
/* A transfer as libcurl is asked for it. */
#ifndef CENV_NET_HTTP_REQUEST_H
#define CENV_NET_HTTP_REQUEST_H

#include <stdint.h>

#include "base/error.h"
#include "base/task.h"
#include "net/curl.h"
#include "net/http_transfer.h"

/* One try of a transfer. */
struct cenv_http_request {
    const struct cenv_curl *lib;
    const struct cenv_http_options *options;
    const struct cenv_http_transfer *transfer;
    uint64_t resume;                /* bytes there are of the version below; 0: none */
    const char *version;            /* its strong ETag, or Last-Modified */
    unsigned patience_ms, limit_ms; /* what is left of those; 0: none was given */
    struct cenv_task *task;         /* counts what is sent */
    uint64_t sent;
    CURL *easy; /* NULL: not made */
    struct curl_slist *lines;
};

/* Makes `easy`, where all is set but for what receives; released after a failure too. */
int cenv_http_request_make(struct cenv_http_request *request, struct cenv_error *err);
void cenv_http_request_release(struct cenv_http_request *request);

#endif
