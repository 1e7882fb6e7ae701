/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing trees: no link followed, no recursion deeper than a bound, directories opened up. */
#ifndef CENV_OS_FS_REMOVE_H
#define CENV_OS_FS_REMOVE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/task.h"

/*
 * Removes `name` and all below it, whatever it is; absent is fine. Links are removed, not followed;
 * directories without write permission are opened up first; a subvolume goes as a whole where that
 * is allowed; what is mounted there or below is EBUSY, and is not touched. One thread: on ext4 and
 * tmpfs two were no faster. remove_content leaves the directory itself.
 */
int cenv_fs_remove_tree(int dirfd, const char *name, struct cenv_error *err);
int cenv_fs_remove_content(int dirfd, struct cenv_error *err);
/*
 * Polling `task` (or NULL): what is left when it is cancelled stays. `last` (or NULL) ends with
 * NULL and names entries of the directory that go last: by them one still sees what it was.
 */
int cenv_fs_remove_tree_polled(int dirfd, const char *name, const char *const *last,
                               struct cenv_task *task, struct cenv_error *err);
/* For clean-up paths: best effort, keeps no error. */
void cenv_fs_discard_tree(int dirfd, const char *name);
/* The same for 16 entries or 20 ms, whichever is more, and for 8 MiB that are freed at most, as one
 * who interrupts expects: whether nothing is left. */
bool cenv_fs_discard_tree_quickly(int dirfd, const char *name);

#endif
