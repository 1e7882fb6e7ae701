/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds a path in text however its characters are written there. Pure. */
#ifndef CENV_RELOCATE_MENTION_H
#define CENV_RELOCATE_MENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "model/path_entry.h"

/* A search for `path` (at most CENV_PREFIX_MAX bytes, borrowed like the data) from `pos` on. */
struct cenv_mention_search {
    struct cenv_str data, path;
    uint64_t pos;
    uint64_t len;   /* of the occurrence found, which ends at `pos` */
    size_t matched; /* bytes of the path that end at `pos` */
    size_t units; /* characters read since the beginning of what may be an occurrence */
    uint16_t failure[CENV_PREFIX_MAX];
    uint64_t from[CENV_PREFIX_MAX]; /* where the last so many bytes were written */
};

void cenv_mention_init(struct cenv_mention_search *search, struct cenv_str data,
                       struct cenv_str path);

/*
 * 1 for the next occurrence, plain or in any spelling that cenv_escape_read() reads, 0 when there
 * is no other, or CENV_ECANCELLED. Linear in the data, whatever is in it.
 */
int cenv_mention_next(struct cenv_mention_search *search, struct cenv_task *task,
                      struct cenv_error *err);

/* The most bytes that an occurrence of a path of `len` bytes is looked for in. */
static inline size_t cenv_mention_most(size_t len)
{
    return 12 * len + 64;
}

#endif
