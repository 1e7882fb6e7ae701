/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that a process has checked, by what tells a file from another and from itself before a
 * change. To check a manifest is to read all of it, which for a clone that is one mount is most of
 * the work: it is done once for a file that stays as it is.
 */
#ifndef CENV_BASE_CHECKED_H
#define CENV_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mutex.h"

enum { CENV_CHECKED_FILES = 16 };

struct cenv_checked_file {
    uint64_t dev, ino, size;
    int64_t mtime_ns, ctime_ns;
    uint64_t sum; /* what it says of its content */
};

/* The last few, for any thread. One that finds them in another's hands does without, so that a
 * process that was forked meanwhile never waits. */
struct cenv_checked {
    struct cenv_mutex lock;
    struct cenv_checked_file files[CENV_CHECKED_FILES];
    unsigned turn;
};

void cenv_checked_init(struct cenv_checked *checked);
void cenv_checked_release(struct cenv_checked *checked);

/* Whether it was noted; `checked` may be NULL, which has none. */
bool cenv_checked_has(struct cenv_checked *checked,
                      const struct cenv_checked_file *file);

/* Notes it, unless it changed so lately that a further change might not show by its ctime. */
void cenv_checked_note(struct cenv_checked *checked,
                       const struct cenv_checked_file *file);

#endif
