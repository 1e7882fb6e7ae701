/* SPDX-License-Identifier: BSD-3-Clause */
/* How a file's content gets from here to there: shared extents, a hard link, a copy. */
#ifndef CENV_OS_FS_PLACE_H
#define CENV_OS_FS_PLACE_H

#include <stdbool.h>

#include "base/task.h"
#include "os/raw_file.h"

enum cenv_place_mode {
    CENV_PLACE_AUTO,
    CENV_PLACE_REFLINK,
    CENV_PLACE_HARDLINK,
    CENV_PLACE_COPY
};
/* "auto", "reflink", "hardlink", "copy"; parse returns -1 for anything else. */
const char *cenv_place_mode_name(enum cenv_place_mode mode);
int cenv_place_mode_parse(const char *name);

/*
 * Makes `to` from the regular file `from` in mode `want`; EEXIST when it is there. Hardlink falls
 * back to copy on EXDEV, EMLINK, EPERM (counted by the caller through *got), reflink on what
 * cenv_raw_reflink() refuses, only when `fallback`. auto: reflink, else copy. A copy or reflink
 * gets mode and mtime of the source, exactly; 1 is returned, and the copy has the time of now,
 * where the file system takes no times. `st` the source's, or NULL. ECANCELED: the task (NULL:
 * none) was cancelled while a large file was copied.
 */
int cenv_raw_place(int from_dir, const char *from, const struct cenv_stat *st,
                   int to_dir, const char *to, enum cenv_place_mode want, bool fallback,
                   enum cenv_place_mode *got, struct cenv_task *task);

/* By trying: 1 when files below `dirfd` reflink into each other, else 0. Leaves nothing behind. */
int cenv_fs_probe_reflink(int dirfd);
/* By trying: 1 when a file of `from_dir` can be hard-linked (reflinked) into `to_dir`. */
int cenv_fs_probe_link(int from_dir, int to_dir, enum cenv_place_mode mode);

#endif
