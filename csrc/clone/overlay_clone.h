/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlay clones by their paths: what reset asks first; cenv.h has what users call. */
#ifndef CENV_CLONE_OVERLAY_CLONE_H
#define CENV_CLONE_OVERLAY_CLONE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_store;

/* As cenv_reset; 1 when `clone` is no overlay clone that `store` knows. */
int cenv_overlay_reset(struct cenv_store *store, const char *clone,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err);

#endif
