/* SPDX-License-Identifier: BSD-3-Clause */
/* Cloning with options that are parsed already; cenv.h has cenv_clone, which parses them. */
#ifndef CENV_CLONE_CLONE_H
#define CENV_CLONE_CLONE_H

#include "clone/job.h"

int cenv_clone_run(struct cenv_store *store, const char *src, const char *dst,
                   const struct cenv_clone_options *options, struct cenv_task *task,
                   struct cenv_buf *out, struct cenv_error *err);

#endif
