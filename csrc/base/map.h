/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash map from byte strings to 32-bit values, and interning of strings to dense ids on top of it. */
#ifndef CENV_BASE_MAP_H
#define CENV_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define CENV_NONE UINT32_MAX /* "no value", "no id" */

struct cenv_map_slot {
    struct cenv_str key; /* borrowed: must outlive the map */
    uint32_t hash;
    uint32_t value;
};

/* Open addressing, never more than 3/4 full. Zero-initialised is empty. Not thread-safe to write. */
struct cenv_map {
    struct cenv_map_slot *slots;
    size_t alloc; /* 0 or a power of two */
    size_t nr;
};

void cenv_map_release(struct cenv_map *map);

/* The value of `key`, or CENV_NONE. */
uint32_t cenv_map_get(const struct cenv_map *map, struct cenv_str key);

/* Sets `key` (bytes borrowed) to `value`, replacing an old one; -1 when out of memory. */
int cenv_map_put(struct cenv_map *map, struct cenv_str key, uint32_t value);

/*
 * Interned strings: equal strings have equal ids, ids are dense from 0 in order of first use. The
 * strings are copied, NUL-terminated, and live as long as the table.
 */
struct cenv_intern {
    struct cenv_map map;
    struct cenv_arena arena;
    struct cenv_str *strs; /* by id */
    size_t nr;
    size_t alloc;
};

void cenv_intern_release(struct cenv_intern *table);

/* The id of `text`, new if need be; CENV_NONE when out of memory. */
uint32_t cenv_intern_id(struct cenv_intern *table, struct cenv_str text);

/* The id of `text` if it is there, else CENV_NONE. */
uint32_t cenv_intern_find(const struct cenv_intern *table, struct cenv_str text);

static inline struct cenv_str cenv_intern_str(const struct cenv_intern *table,
                                              uint32_t id)
{
    return table->strs[id];
}

#endif
