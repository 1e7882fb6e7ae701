/* SPDX-License-Identifier: BSD-3-Clause */
/* What a registry wants to know of its caller: logins, and tokens of a service that it names. */
#ifndef CENV_REMOTE_OCI_TOKEN_H
#define CENV_REMOTE_OCI_TOKEN_H

#include "base/task.h"
#include "codec/secret_url.h"
#include "remote/docker_config.h"
#include "remote/web.h"

/* Makes the URL `text`, which has no login, with one in it: that goes where the URL leads and
 * nowhere else. */
int cenv_oci_token_add_login(struct cenv_secret_url **out, struct cenv_str text,
                             const struct cenv_docker_login *login,
                             struct cenv_error *err);

/*
 * Gets the token that a challenge (WWW-Authenticate of a 401) asks for, as the distribution
 * specification and docker have it: *line becomes "Authorization: Bearer ..." (owned), and 1 is
 * returned; 0 where it asks for no token, or its service gives us none. The service is told the
 * login in `base`, or the refresh token `login` of docker's configuration, where it is the registry
 * itself or in its domain; on any other host the login that docker's configuration has for that.
 */
int cenv_oci_token_get(struct cenv_web *web, const struct cenv_secret_url *base,
                       const struct cenv_docker_login *login, const char *challenge,
                       char **line, struct cenv_task *task, struct cenv_error *err);

#endif
