/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories as a whole: sorted listings, and walks through all below one. */
#ifndef CENV_OS_FS_DIR_H
#define CENV_OS_FS_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "os/dir.h"

/* 1 empty, 0 not, or -errno. */
int cenv_raw_is_empty_dir(int dirfd);

/* A directory's entries at once, in byte order when `sorted`; names live as long as the listing. */
struct cenv_listing {
    struct cenv_dirent *entries;
    size_t nr, alloc;
    struct cenv_arena names;
};
int cenv_listing_read(struct cenv_listing *list, int fd, bool sorted); /* 0 or -errno */
void cenv_listing_release(struct cenv_listing *list);

/*
 * Visits everything below the directory `dirfd`, parents before children, links not followed, in
 * byte order of names within a directory when `sorted`. `path` is relative to the start; `parent`
 * the descriptor of the entry's directory. The visitor returns 0, CENV_WALK_SKIP (do not enter
 * this directory) or a status. CENV_EFAIL for what lies deeper, or has a longer path, than any
 * other call could follow: all that walk refuse the same trees.
 */
enum { CENV_WALK_SKIP = 1, CENV_WALK_DEPTH_MAX = 400 };
struct cenv_walk_entry {
    struct cenv_str path; /* NUL-terminated */
    struct cenv_dirent entry;
    int parent;
};
typedef int (*cenv_walk_fn)(void *ctx, const struct cenv_walk_entry *entry,
                            struct cenv_error *err);
int cenv_fs_walk(int dirfd, bool sorted, cenv_walk_fn visit, void *ctx,
                 struct cenv_task *task, struct cenv_error *err);

#endif
