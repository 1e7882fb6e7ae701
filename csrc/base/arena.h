/* SPDX-License-Identifier: BSD-3-Clause */
/* A bump allocator: many small values of one repodata, one solve, one manifest, freed at once. */
#ifndef CENV_BASE_ARENA_H
#define CENV_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct cenv_arena_block;

struct cenv_arena {
    struct cenv_arena_block *head;
    size_t total; /* bytes taken from the system */
};

#define CENV_ARENA_INIT \
    { \
        NULL, 0 \
    }

void cenv_arena_init(struct cenv_arena *arena);
void cenv_arena_release(struct cenv_arena *arena);

/* Uninitialised memory aligned for any object, valid until release; NULL when out of memory. */
void *cenv_arena_alloc(struct cenv_arena *arena, size_t size);
void *cenv_arena_calloc(struct cenv_arena *arena, size_t nr, size_t size);

/* Byte-aligned copies with a NUL behind them; `data` is NULL when out of memory. */
struct cenv_str cenv_arena_str(struct cenv_arena *arena, struct cenv_str text);
/* The text itself when it has no upper-case letter of ASCII, else such a copy in lower case. */
struct cenv_str cenv_arena_lower(struct cenv_arena *arena, struct cenv_str text);

#endif
