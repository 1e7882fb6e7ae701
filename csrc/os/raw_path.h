/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a descriptor leads: the system's own name of it, and whether it leads into a mount. */
#ifndef CENV_OS_RAW_PATH_H
#define CENV_OS_RAW_PATH_H

#include <stddef.h>

/* The path behind `fd` (or CENV_CWD) into text[size], cut to that; its length, 0 when unknown. */
size_t cenv_raw_path_of(int fd, char *text, size_t size);

/*
 * A descriptor that names a place and need not be readable, for cenv_raw_path_of() and
 * cenv_raw_stat_fd(). Links are followed; `name` may be "..".
 */
int cenv_raw_open_path(int dirfd, const char *name);

/*
 * 1 when something is mounted at the directory `fd`, which shows that in its place; 0 or -errno. A
 * subvolume is no mount. Where the system does not tell (Linux before 5.8, macOS) one of the same
 * file system, which a bind mount may be, is none; on Windows, where links lead there, nothing is.
 */
int cenv_raw_is_mount(int fd);

#endif
