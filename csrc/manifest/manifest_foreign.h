/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest of an environment that anybody may have made and changed. */
#ifndef CENV_MANIFEST_MANIFEST_FOREIGN_H
#define CENV_MANIFEST_MANIFEST_FOREIGN_H

#include "base/error.h"
#include "base/task.h"
#include "manifest/manifest.h"

/*
 * The manifest of the environment at `path`, on which `root` is open, by any installer: by its
 * records, the extracted packages they name where these are still there and unaltered, and a search
 * for its names in everything else. `old` (or NULL): an earlier manifest, whose files are not
 * scanned again where size, times, mode and inode are the same. `shared`: clones get inodes of it,
 * which changes their ctime. CENV_EPREFIX: a device, an unreadable record. The caller frees *out.
 */
int cenv_manifest_of_environment(struct cenv_manifest **out, int root, const char *path,
                                 const struct cenv_manifest *old, bool shared,
                                 struct cenv_task *task, struct cenv_error *err);

#endif
