/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes that have a directory, or what lies in it, in use. */
#ifndef CENV_OS_DIR_USERS_H
#define CENV_OS_DIR_USERS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Looks for a use of the directory `path` (absolute, links resolved): a process that has it, or
 * what lies below it, as working or root directory, program, open file, or as a mount in a
 * namespace of its own; a mount in it or of it, a socket in it. Of a process that was started at
 * `since` (as cenv_pid_start) or later also mappings, and its name among the arguments or in the
 * environment; one that is closed to us counts as a use, where an older one does not: it was not
 * started for what lies there. 1 with the use told in `what` (cut to `size`), 0 for none, -errno
 * (-ENOTSUP, -ENOENT: no /proc) where it cannot be looked for. What a process has in its memory
 * alone is not seen.
 */
int cenv_raw_find_dir_user(const char *path, uint64_t since, char *what, size_t size);

#endif
