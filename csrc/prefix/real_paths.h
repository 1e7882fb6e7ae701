/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the paths of records lie, when directories on the way are links (lib64 -> lib). */
#ifndef CENV_PREFIX_REAL_PATHS_H
#define CENV_PREFIX_REAL_PATHS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"

/* Of one prefix; one thread at a time. */
struct cenv_real_paths {
    int root;                 /* open on the prefix, borrowed */
    struct cenv_arena *arena; /* borrowed; holds what is found */
    struct cenv_buf top;      /* the prefix with links resolved, and a slash */
    struct cenv_map known;    /* directory -> index into `dirs` */
    struct cenv_str *dirs;    /* where it lies */
    size_t nr, alloc;
};

/* False: out of memory. Release it in any case. */
bool cenv_real_paths_init(struct cenv_real_paths *paths, int root,
                          struct cenv_arena *arena);
void cenv_real_paths_release(struct cenv_real_paths *paths);

/*
 * Sets *real: the directory of `path` with links resolved, as long as they stay within the prefix,
 * and its last component as it is. Else, and where there is no such directory, it is `path`
 * itself, which must live as long as the paths. False: out of memory.
 */
bool cenv_real_paths_find(struct cenv_real_paths *paths, struct cenv_str path,
                          struct cenv_str *real);

#endif
