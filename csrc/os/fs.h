/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system with errors that say what, which and where: see raw_file.h for the layers. */
#ifndef CENV_OS_FS_H
#define CENV_OS_FS_H

#include "base/buf.h"
#include "base/error.h"
#include "os/raw_file.h"

/* The error of a raw call: "what 'full path': reason". `rc` is -errno; returns CENV_EOS. */
int cenv_fs_fail(struct cenv_error *err, int rc, int dirfd, const char *name,
                 const char *what);

int cenv_fs_stat(int dirfd, const char *name, struct cenv_stat *out,
                 struct cenv_error *err);
/* Whether something has the name, a dangling link too: 1, 0, or a status where none can tell. */
int cenv_fs_exists(int dirfd, const char *name, struct cenv_error *err);
/* Whether it is a directory, following links: 1, 0 or a status. */
int cenv_fs_is_dir(const char *path, struct cenv_error *err);

/* Opening: as their raw twins. */
int cenv_fs_open_root(const char *path, struct cenv_error *err);
int cenv_fs_open_dir(int dirfd, const char *name, struct cenv_error *err);
int cenv_fs_open_file(int dirfd, const char *name, struct cenv_stat *st,
                      struct cenv_error *err);
int cenv_fs_open_named(const char *path, struct cenv_stat *st, struct cenv_error *err);
int cenv_fs_create(int dirfd, const char *name, unsigned mode, struct cenv_error *err);

/*
 * Whether a failure is one of the file: it is not there, closed to us, or broken. Any other
 * (memory, open files, a disk that fails, an interruption) tells nothing of the file.
 */
bool cenv_fs_blames_file(const struct cenv_error *err);

/* Whether a set_mtime failed as where a file system takes no times: a warning, and no failure. */
bool cenv_fs_takes_no_times(int rc);

/*
 * Directories. mkdir_open: a descriptor of the new one, or a status. mkdirs: several components,
 * existing ones (links to directories too) are fine.
 */
int cenv_fs_mkdir(int dirfd, const char *name, unsigned mode, struct cenv_error *err);
int cenv_fs_mkdir_open(int dirfd, const char *name, unsigned mode,
                       struct cenv_error *err);
int cenv_fs_mkdirs(int dirfd, const char *path, unsigned mode, struct cenv_error *err);
/* A name nobody else has: "<stem>-<pid>-<nonce>"; NULL when out of memory. Caller frees. */
char *cenv_fs_unique_name(const char *stem);
/* Makes a new directory (0700) of such a name; *name for the caller to free. */
int cenv_fs_mkdir_temp(int dirfd, const char *stem, char **name,
                       struct cenv_error *err);

/* Names. */
int cenv_fs_rename(int from_dir, const char *from, int to_dir, const char *to,
                   struct cenv_error *err);
int cenv_fs_unlink(int dirfd, const char *name, struct cenv_error *err);
int cenv_fs_symlink(const char *target, int dirfd, const char *name,
                    struct cenv_error *err);
/* Appends the target of a link, with a NUL behind (not counted). */
int cenv_fs_readlink(int dirfd, const char *name, struct cenv_buf *out,
                     struct cenv_error *err);

#endif
