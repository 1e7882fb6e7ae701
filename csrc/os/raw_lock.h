/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks of open files that belong to the descriptor, not to the process. */
#ifndef CENV_OS_RAW_LOCK_H
#define CENV_OS_RAW_LOCK_H

#include <stdbool.h>

/* Without waiting: 0, -EWOULDBLOCK when somebody else holds it, or -errno. */
int cenv_raw_try_lock(int fd, bool exclusive);

/*
 * Locks an open directory for as long as the descriptor (and those forked from it) are open,
 * without a file for it. lock waits; try gives -EWOULDBLOCK when it is held. -ENOTSUP where it
 * cannot work.
 */
int cenv_raw_lock_dir(int fd);
int cenv_raw_try_lock_dir(int fd);

#endif
