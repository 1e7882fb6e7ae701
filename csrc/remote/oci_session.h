/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to one repository of a registry, with the logins and tokens that it wants. */
#ifndef CENV_REMOTE_OCI_SESSION_H
#define CENV_REMOTE_OCI_SESSION_H

#include "base/task.h"
#include "codec/secret_url.h"
#include "remote/docker_config.h"
#include "remote/web.h"

/* Zero-initialised; stays in its place from open to close. */
struct cenv_oci_session {
    struct cenv_web web;
    struct cenv_secret_url *base; /* https://host/v2/repository, with the login */
    struct cenv_docker_login login;
    bool asked;          /* docker's configuration was */
    char *authorization; /* the line of a token, or NULL */
};

/*
 * One request. `transfer` is set up by its maker, url and headers apart; what is there of a body or
 * file is dropped when it is asked again with another token.
 */
struct cenv_oci_request {
    struct cenv_http_transfer transfer;
    char path[200]; /* below the repository; "": `url` is set, by place */
    struct cenv_secret_url *url;
    bool elsewhere;   /* the place is another server's: no token goes there */
    const char *line; /* a further one, or NULL */
    const char *lines[3];
    struct cenv_buf refusal;
    struct cenv_http_wanted wanted[3];
    char length[24], challenge[4 << 10], location[8 << 10]; /* of the reply */
};

/* `url` is oci://host/repository or oci+http://host/repository. */
int cenv_oci_session_open(struct cenv_oci_session *session,
                          const struct cenv_secret_url *url,
                          const struct cenv_remote_options *options,
                          struct cenv_error *err);
void cenv_oci_session_close(struct cenv_oci_session *session);

void cenv_oci_request_init(struct cenv_oci_request *request,
                           enum cenv_http_method method);
void cenv_oci_request_release(struct cenv_oci_request *request);

/* Sets the place that the Location of `reply` names, with "digest=..." behind it. */
int cenv_oci_request_place(struct cenv_oci_request *request,
                           const struct cenv_oci_session *session, const char *location,
                           const char *sha256, struct cenv_error *err);

/* Runs them at the same time, as cenv_web_run(); those that are answered with a challenge that can
 * be met once more. */
int cenv_oci_session_run(struct cenv_oci_session *session,
                         struct cenv_oci_request *requests, size_t nr,
                         struct cenv_task *task, struct cenv_error *err);

/* As cenv_web_fail(), with the registry's own word for it. */
int cenv_oci_request_fail(const struct cenv_oci_session *session,
                          struct cenv_oci_request *request, const char *doing,
                          const char *what, struct cenv_error *err);

#endif
