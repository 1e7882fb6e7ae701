/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash map from byte strings to 32-bit values. */
#ifndef CENV_BASE_MAP_H
#define CENV_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CENV_NONE UINT32_MAX /* "no value", "no id" */

struct cenv_map_slot {
    struct cenv_str key; /* borrowed: must outlive the map */
    uint32_t hash;
    uint32_t value;
};

/* Open addressing, never more than 3/4 full. Zero-initialised is empty. Not thread-safe to
 * write. */
struct cenv_map {
    struct cenv_map_slot *slots;
    size_t alloc; /* 0 or a power of two */
    size_t nr;
};

void cenv_map_release(struct cenv_map *map);

/* The value of `key`, or CENV_NONE. */
uint32_t cenv_map_get(const struct cenv_map *map, struct cenv_str key);

/* Sets `key` (bytes borrowed) to `value`, replacing an old one; false when out of memory. */
bool cenv_map_put(struct cenv_map *map, struct cenv_str key, uint32_t value);

#endif
