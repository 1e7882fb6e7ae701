/* SPDX-License-Identifier: BSD-3-Clause */
/* Making durable what was written, interruptibly. */
#ifndef CENV_OS_FS_SYNC_H
#define CENV_OS_FS_SYNC_H

#include "base/error.h"
#include "base/task.h"

/*
 * Writes out all of the file system that the directory `fd` is on; returns when that is done, and
 * nothing but the caller holds `fd` any more.
 * CENV_ECANCELLED: the system goes on with it, and nobody waits for it. What goes on holds none of
 * the caller's locks, whose descriptors are not `fd`.
 */
int cenv_fs_sync(int fd, struct cenv_task *task, struct cenv_error *err);

#endif
