/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening directories below a root, one component at a time, never through a link. */
#ifndef CENV_OS_FS_BENEATH_H
#define CENV_OS_FS_BENEATH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Opens the directory `path` (relative, "" or "." is root itself; ".." and absolute refused) below
 * `root` one component at a time, refusing links. With `mkdir_mode` != 0 missing directories are
 * made. Raw: -EINVAL for a bad path, -ENOTDIR or -ELOOP for a link.
 */
int cenv_raw_open_beneath(int root, struct cenv_str path, unsigned mkdir_mode);
int cenv_fs_open_beneath(int root, const char *path, unsigned mkdir_mode,
                         struct cenv_error *err);

/*
 * Open directories below a root, kept as the chain of the last one used: walking paths in order
 * costs one openat for each new directory. The descriptor returned is borrowed until the next get.
 * One thread at a time.
 */
struct cenv_dirs {
    int root;   /* borrowed */
    char *path; /* of the deepest open directory, no slash at the end */
    size_t len, alloc;
    struct cenv_dirs_level *levels;
    size_t nr, alloc_levels;
    uint64_t made; /* directories that it has made so far */
};
void cenv_dirs_init(struct cenv_dirs *dirs, int root);
void cenv_dirs_release(struct cenv_dirs *dirs);
/* `path` as in open_beneath, normalised (no "./", "//"); fd or -errno. */
int cenv_dirs_get(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode);
/* The directory of `path`, and its last component in *name (borrowed from `path`). */
int cenv_dirs_parent(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode,
                     struct cenv_str *name);

#endif
