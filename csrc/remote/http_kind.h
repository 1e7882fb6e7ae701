/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes of any server that knows GET, HEAD and PUT: bazel-remote, nginx, Artifactory, WebDAV. */
#ifndef CENV_REMOTE_HTTP_KIND_H
#define CENV_REMOTE_HTTP_KIND_H

#include "remote/kind.h"

/* https://host/base and http://host/base: BASE/ac/<key>, BASE/cas/<sha256>. */
extern const struct cenv_remote_kind cenv_http_kind, cenv_https_kind;

#endif
