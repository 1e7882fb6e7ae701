/* SPDX-License-Identifier: BSD-3-Clause */
/* Logins of registries, as docker keeps them. */
#ifndef CENV_REMOTE_DOCKER_CONFIG_H
#define CENV_REMOTE_DOCKER_CONFIG_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

/* `user` NULL: none. With `is_token` the secret is a refresh token for the registry's token
 * service. */
struct cenv_docker_login {
    char *user, *secret; /* owned */
    bool is_token;
};

/*
 * The login for a registry's host (with the port) from config.json in DOCKER_CONFIG or ~/.docker:
 * of the program of credHelpers or credsStore (docker-credential-NAME, run as docker runs it for
 * at most `timeout_ms`), else from auths. CENV_EUSAGE: the file is damaged, or its program fails;
 * the message says nothing of what stands there.
 */
int cenv_docker_login_find(struct cenv_docker_login *out, struct cenv_str host,
                           unsigned timeout_ms, struct cenv_task *task,
                           struct cenv_error *err);

void cenv_docker_login_release(struct cenv_docker_login *login);

#endif
