/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents of files by name: reading whole, mapping, writing, replacing in one step. */
#ifndef CENV_OS_FS_DATA_H
#define CENV_OS_FS_DATA_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "os/raw_data.h"

/* Reading. `out` is appended to; more than its ceiling allows is CENV_EFAIL naming the file. */
int cenv_fs_read_file(int dirfd, const char *name, struct cenv_buf *out,
                      struct cenv_error *err);
int cenv_fs_read_fd(int fd, const char *name_for_errors, struct cenv_buf *out,
                    struct cenv_error *err);
/* The first bytes of a file, at most `size`, into head[]; none where there is no such file. */
int cenv_fs_read_head(int dirfd, const char *name, char *head, size_t size,
                      struct cenv_str *out, struct cenv_error *err);
int cenv_fs_map_file(int dirfd, const char *name, struct cenv_mapping *out,
                     struct cenv_error *err);

/* A new file (EEXIST otherwise); removed again when writing fails. */
int cenv_fs_write_new(int dirfd, const char *name, struct cenv_str data, unsigned mode,
                      struct cenv_error *err);
/* The same of several pieces, one behind the other. */
int cenv_fs_write_pieces(int dirfd, const char *name, const struct cenv_str *pieces,
                         size_t nr, unsigned mode, struct cenv_error *err);
/* Replaces or makes `name` in one step: readers see the old content or the new. Not synced. */
int cenv_fs_write_atomic(int dirfd, const char *name, struct cenv_str data,
                         unsigned mode, struct cenv_error *err);

#endif
