/* SPDX-License-Identifier: BSD-3-Clause */
/* What the usual variables and files of AWS say about reaching S3. */
#ifndef CENV_REMOTE_AWS_H
#define CENV_REMOTE_AWS_H

#include "base/error.h"

/* Each is owned, and NULL where nothing says it: then requests are not signed, or go to AWS. */
struct cenv_aws {
    char *user, *secret, *session; /* key, its secret, the token of a session */
    char *region, *endpoint;
};

/*
 * From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION,
 * AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL; what they leave open from the profile AWS_PROFILE in
 * AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config).
 * CENV_EUSAGE: AWS_PROFILE is in neither, or has its keys from a program or a service that is not
 * asked here.
 */
int cenv_aws_read(struct cenv_aws *out, struct cenv_error *err);
void cenv_aws_release(struct cenv_aws *aws); /* zero-initialised is fine */

#endif
