/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming in one step that neither overwrites nor leaves a gap, as the system has it. */
#ifndef CENV_OS_RAW_RENAME_H
#define CENV_OS_RAW_RENAME_H

/*
 * EEXIST when `to` is there; EINVAL, ENOSYS or ENOTSUP where the file system has no such call
 * (cenv_raw_rename_noreplace() can do without).
 */
int cenv_raw_rename_excl(int from_dir, const char *from, int to_dir, const char *to);

/* Both names change places. */
int cenv_raw_exchange(int a_dir, const char *a, int b_dir, const char *b);

#endif
