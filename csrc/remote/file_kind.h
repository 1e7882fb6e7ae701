/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in a directory that machines share, as over NFS. */
#ifndef CENV_REMOTE_FILE_KIND_H
#define CENV_REMOTE_FILE_KIND_H

#include "remote/kind.h"

/* file:///dir: what a web server would serve at /ac and /cas. */
extern const struct cenv_remote_kind cenv_file_kind;

#endif
