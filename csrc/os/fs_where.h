/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a path or a descriptor really leads. */
#ifndef CENV_OS_FS_WHERE_H
#define CENV_OS_FS_WHERE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "os/raw_file.h"

/* Appends the absolute path of a descriptor (+ "/" + name, which may be NULL); false: no memory. */
bool cenv_fs_path_of(int dirfd, const char *name, struct cenv_buf *out);

/* Absolute, links resolved; NULL with err. Caller frees. */
char *cenv_fs_realpath(const char *path, struct cenv_error *err);
/* Absolute, the directory resolved, the last component (which need not exist) left as it is. */
char *cenv_fs_abspath(const char *path, struct cenv_error *err);
/*
 * The facts of what lies there, as cenv_raw_stat, with a device number by which a directory is
 * known again when its file system was mounted anew: a subvolume gets another one each time, and
 * here has one made of its own number.
 */
int cenv_raw_stat_lasting(int dirfd, const char *name, struct cenv_stat *out);
/* 1 when the directory `fd` is `root` or lies below it (by device and inode), 0, or -errno. */
int cenv_raw_is_inside(int fd, int root);

#endif
