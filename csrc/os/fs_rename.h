/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming that never replaces, on any file system. */
#ifndef CENV_OS_FS_RENAME_H
#define CENV_OS_FS_RENAME_H

/* EEXIST when `to` is there, atomically where the system can. */
int cenv_raw_rename_noreplace(int from_dir, const char *from, int to_dir,
                              const char *to);

#endif
