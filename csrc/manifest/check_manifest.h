/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether an environment still is what its manifest says. */
#ifndef CENV_MANIFEST_CHECK_MANIFEST_H
#define CENV_MANIFEST_CHECK_MANIFEST_H

#include "base/error.h"
#include "base/task.h"
#include "manifest/manifest.h"

/*
 * Whether everything lies as the manifest has it: type, size, time, mode and inode of every entry
 * and every directory's time, by fstatat only. 1 yes, 0 no, or a status.
 */
int cenv_check_manifest(const struct cenv_manifest *m, int root, struct cenv_task *task,
                        struct cenv_error *err);

#endif
