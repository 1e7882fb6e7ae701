/* SPDX-License-Identifier: BSD-3-Clause */
/* The server of a remote: see web.h. */
#include "remote/web.h"

#include <string.h>

enum { TIMEOUT_MS = 10000, SLOW_BYTES = 4096 };

int cenv_web_open(struct cenv_web *web, const struct cenv_remote_options *options,
                  const char *login, struct cenv_error *err)
{
    struct cenv_http_options *o = &web->network.options;
    int rc = cenv_network_open(&web->network, options ? options->network : NULL, err);

    if (rc < 0)
        return rc;
    web->login = login;
    web->timeout_ms = options && options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    web->pushing = options && options->pushing;
    o->patience_ms = o->connect_ms = web->timeout_ms;
    o->slow_bytes = SLOW_BYTES;
    o->way_out = NULL;
    return 0;
}

void cenv_web_close(struct cenv_web *web)
{
    cenv_network_close(&web->network);
    cenv_error_release(&web->gone);
}

/* ---- runs ---- */

static bool is_over(const struct cenv_http_transfer *transfer)
{
    return transfer->rc < 0 || transfer->reply.status;
}

static bool is_gone(const struct cenv_http_transfer *transfer)
{
    const struct cenv_http_reply *reply = &transfer->reply;

    return transfer->rc == CENV_ECHANNEL && (reply->timed_out || !reply->reached);
}

static int copy_error(struct cenv_error *to, const struct cenv_error *from)
{
    cenv_error_set(to, from->status, "%s", from->message);
    return cenv_error_hint(to, "%s", from->hint);
}

static int end_when_gone(void *ctx, struct cenv_http_transfer *transfer,
                         struct cenv_error *err)
{
    struct cenv_web *web = ctx;

    (void)err;
    if (!web->gone.status && is_gone(transfer))
        copy_error(&web->gone, &transfer->err);
    return web->gone.status;
}

int cenv_web_run(struct cenv_web *web, struct cenv_http_transfer *const *transfers,
                 size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    int rc = 0;

    if (!web->gone.status)
        rc = cenv_http_run(web->network.http, transfers, nr, CENV_REMOTE_PARALLEL,
                           end_when_gone, web, task, err);
    if (!web->gone.status)
        return rc;
    for (size_t i = 0; i < nr; i++)
        if (!is_over(transfers[i]))
            transfers[i]->rc = copy_error(&transfers[i]->err, &web->gone);
    return rc == web->gone.status ? 0 : rc;
}

int cenv_web_run_one(struct cenv_web *web, struct cenv_http_transfer *transfer,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_http_transfer *const one[] = {transfer};

    transfer->limit_ms = web->timeout_ms;
    return cenv_web_run(web, one, 1, task, err);
}

/* ---- what went wrong ---- */

bool cenv_web_is_success(long status)
{
    return status >= 200 && status < 300;
}

bool cenv_web_is_absent(const struct cenv_web *web,
                        const struct cenv_http_transfer *transfer)
{
    long status = transfer->reply.status;

    if (transfer->rc < 0)
        return false;
    return status == 404 || status == 410 ||
           (web->pushing && (status == 401 || status == 403));
}

static const char *status_reason(long status)
{
    static const struct {
        long status;
        const char *reason;
    } reasons[] = {
        {401, "it wants a login"},
        {403, "access is refused"},
        {404, "it is not there"},
        {405, "it is read-only"},
        {407, "the proxy wants a login"},
        {409, "something else is in its place, or at work there"},
        {411, "the server wants to know the length"},
        {412, "something else is in its place"},
        {413, "it is too large for the server"},
        {429, "too many requests"},
        {501, "it is read-only"},
        {507, "the server has no room left"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    if (status >= 300 && status < 400)
        return "the server sends it elsewhere";
    return status >= 500 ? "the server fails" : "the server refuses";
}

static const char *login_advice(const struct cenv_web *web,
                                const struct cenv_http_transfer *transfer)
{
    if (transfer->signer || !cenv_secret_url_has_secrets(transfer->url))
        return web->login;
    return transfer->reply.status == 401
               ? "the server does not know this login: check user and password"
               : "this login may not do that: give one that may, or check the URL";
}

static const char *status_advice(const struct cenv_web *web,
                                 const struct cenv_http_transfer *transfer,
                                 const char *code)
{
    long status = transfer->reply.status;
    const char *own = web->advise ? web->advise(status, code) : NULL;

    if (own)
        return own;
    switch (status) {
    case 401:
    case 403:
        return login_advice(web, transfer);
    case 407:
        return "put user and password into the proxy's URL (https_proxy)";
    case 404:
    case 405:
    case 409:
    case 412:
    case 501:
        return "check the URL, and that the server lets you write there";
    case 413:
        return "raise the server's limit (nginx: client_max_body_size)";
    case 507:
        return "make room on the server";
    case 400:
        return "check the URL";
    case 500:
        return "try again later; the server's log says why (a full disk, a directory "
               "it may not write)";
    default:
        return status < 400 ? "give the URL that it leads to" : "try again later";
    }
}

/* The server's own word may be shown when it is one: nothing else of what it says. */
static bool is_word(const char *code)
{
    size_t len = code ? strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz0123456789_")
                      : 0;

    return len > 0 && len <= 64 && !code[len];
}

int cenv_web_fail(const struct cenv_web *web, struct cenv_http_transfer *transfer,
                  const char *doing, const char *what, const char *code,
                  struct cenv_error *err)
{
    long status = transfer->reply.status;
    int rc = transfer->rc;

    code = is_word(code) ? code : "";
    if (rc == CENV_EOS || rc == CENV_ENOMEM)
        return cenv_error_move(err, &transfer->err);
    if (rc < 0) {
        cenv_error_set(err, rc == CENV_EINTEGRITY ? rc : CENV_EREMOTE,
                       "cannot %s %s: %s", doing, what, transfer->err.message);
        cenv_error_hint(err, "%s", transfer->err.hint);
    } else {
        cenv_error_set(err, CENV_EREMOTE, "cannot %s %s: %s (HTTP %ld%s%s)", doing,
                       what, status_reason(status), status, *code ? ", " : "", code);
        cenv_error_hint(err, "%s", status_advice(web, transfer, code));
    }
    cenv_error_release(&transfer->err);
    return err->status;
}
