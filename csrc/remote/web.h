/* SPDX-License-Identifier: BSD-3-Clause */
/* The server of a remote: requests under one patience, and what their failures are called. */
#ifndef CENV_REMOTE_WEB_H
#define CENV_REMOTE_WEB_H

#include "net/network.h"
#include "remote/blob.h"

/* Zero-initialised; stays in its place from open to close. */
struct cenv_web {
    struct cenv_network network;
    const char *login; /* what to do about a 401 or 403; a literal */
    /* What to do about a status and the server's own word for it ("" where it is none), as this
     * kind of server has them; NULL: nothing that only this kind knows. Or NULL. */
    const char *(*advise)(long status, const char *code);
    unsigned timeout_ms;
    bool pushing;
    struct cenv_error gone; /* why it is not asked again; status 0: it is */
};

int cenv_web_open(struct cenv_web *web, const struct cenv_remote_options *options,
                  const char *login, struct cenv_error *err);
void cenv_web_close(struct cenv_web *web);

/*
 * As cenv_http_run(), until the server does not answer in time or cannot be reached: then it is not
 * asked again, and each transfer that is not over fails for that reason, here and in later calls.
 * run_one gives the time-out for all of the transfer: for documents, not for what is large.
 */
int cenv_web_run(struct cenv_web *web, struct cenv_http_transfer *const *transfers,
                 size_t nr, struct cenv_task *task, struct cenv_error *err);
int cenv_web_run_one(struct cenv_web *web, struct cenv_http_transfer *transfer,
                     struct cenv_task *task, struct cenv_error *err);

/*
 * Sets "cannot <doing> <what>: reason" from a transfer that failed, or was answered with a status
 * that is no success: CENV_EREMOTE, or the transfer's own CENV_EINTEGRITY, CENV_EOS, CENV_ENOMEM.
 * `code` is the server's own word for it, shown where it is one, or NULL. Releases the transfer's
 * error.
 */
int cenv_web_fail(const struct cenv_web *web, struct cenv_http_transfer *transfer,
                  const char *doing, const char *what, const char *code,
                  struct cenv_error *err);

bool cenv_web_is_success(long status);

/* Whether a reply to a question says that there is no such thing. */
bool cenv_web_is_absent(const struct cenv_web *web,
                        const struct cenv_http_transfer *transfer);

#endif
