/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs and failed downloads: see remote.h. */
#include "ops/remote.h"

#include "model/channel.h"

enum { TEXT_MAX = 64 << 10 };

static int unfit(struct cenv_str url, const char *why, struct cenv_error *err)
{
    struct cenv_buf shown;

    cenv_buf_init(&shown, TEXT_MAX);
    cenv_redact(&shown, cenv_str_slice(url, 0, 1000));
    cenv_error_set(err, CENV_ECHANNEL, "cannot fetch '%s': %s",
                   shown.data ? shown.data : "", why);
    cenv_buf_release(&shown);
    return CENV_ECHANNEL;
}

int cenv_remote_local(struct cenv_str url, struct cenv_buf *path,
                      struct cenv_error *err)
{
    struct cenv_str rest = url;

    if (cenv_str_starts(url, CENV_STR("/")))
        return cenv_buf_add_str(path, url) < 0 ? cenv_error_oom(err) : 1;
    if (cenv_str_starts(url, CENV_STR("http://")) ||
        cenv_str_starts(url, CENV_STR("https://")))
        return 0;
    if (!cenv_str_starts(url, CENV_STR("file://")))
        return unfit(url, "only http, https and file URLs are known", err);
    rest = cenv_str_slice(url, strlen("file://"), url.len);
    if (cenv_str_starts(rest, CENV_STR("localhost/")))
        rest = cenv_str_slice(rest, strlen("localhost"), rest.len);
    if (!cenv_str_starts(rest, CENV_STR("/")))
        return unfit(url, "a file URL has three slashes and an absolute path", err);
    return cenv_url_unquote(path, rest) < 0 ? unfit(url, "it is malformed", err) : 1;
}

static const char *status_text(long status)
{
    switch (status) {
    case 401:
        return "it wants a login (HTTP 401)";
    case 403:
        return "access is refused (HTTP 403)";
    case 404:
        return "it is not there (HTTP 404)";
    case 407:
        return "the proxy wants a login (HTTP 407)";
    case 429:
        return "too many requests (HTTP 429)";
    default:
        return NULL;
    }
}

static const char *status_advice(long status)
{
    switch (status) {
    case 401:
    case 403:
        return "check the token or password in the channel's URL or in ~/.netrc";
    case 404:
        return "check the channel's URL; where its index is out of date, fetch it again";
    case 407:
        return "put user and password into the proxy's URL (https_proxy)";
    default:
        return "try again later";
    }
}

int cenv_remote_failed(struct cenv_http_transfer *transfer, struct cenv_error *err)
{
    int status = transfer->rc < 0 ? transfer->rc : CENV_ECHANNEL;
    const char *reason = status_text(transfer->reply.status);
    struct cenv_buf url, why;

    if (status == CENV_EOS || status == CENV_ENOMEM)
        return cenv_error_move(err, &transfer->err);
    cenv_buf_init(&url, TEXT_MAX);
    cenv_buf_init(&why, TEXT_MAX);
    cenv_redact(&url, cenv_str(transfer->url));
    if (transfer->rc < 0)
        cenv_redact(&why, cenv_str(transfer->err.message));
    else if (reason)
        cenv_buf_puts(&why, reason);
    else
        cenv_buf_addf(&why, "the server says HTTP %ld", transfer->reply.status);
    cenv_error_set(err, status, "cannot fetch %s: %s", url.data ? url.data : "it",
                   why.data ? why.data : "it failed");
    cenv_error_hint(err, "%s",
                    transfer->rc < 0 ? transfer->err.hint
                                     : status_advice(transfer->reply.status));
    cenv_buf_release(&url);
    cenv_buf_release(&why);
    cenv_error_release(&transfer->err);
    return status;
}
