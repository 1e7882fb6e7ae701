/* SPDX-License-Identifier: BSD-3-Clause */
/* Builds manifests by looking at what lies in an environment. */
#ifndef CENV_MANIFEST_MANIFEST_BUILD_H
#define CENV_MANIFEST_MANIFEST_BUILD_H

#include "base/error.h"
#include "base/task.h"
#include "manifest/manifest_builder.h"

/*
 * The manifest of what lies in inputs->root, scanned in parallel by inputs->scan. The caller saves
 * and frees it. Times, modes and inodes are taken as they are: nothing may change there afterwards
 * but the name of the root. CENV_EPREFIX: a device, or a file that changed meanwhile.
 */
int cenv_manifest_build(struct cenv_manifest **out,
                        const struct cenv_manifest_inputs *inputs,
                        struct cenv_task *task, struct cenv_error *err);

#endif
