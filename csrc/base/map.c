/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash map and interning: see map.h. */
#include "base/map.h"

#include "base/alloc.h"

/*
 * wyhash-like mixing of eight bytes a step. Not keyed: an adversary that controls repodata could
 * collide names; the table then degrades to a scan, bounded by the input's own size limit.
 */
static uint32_t hash_of(struct cenv_str key)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ key.len;
    const char *p = key.data;
    size_t n = key.len;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    uint64_t word = 0;
    if (n)
        memcpy(&word, p, n);
    h = (h ^ word) * 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h ^ (h >> 29) ^ (h >> 47));
}

void cenv_map_release(struct cenv_map *map)
{
    cenv_free(map->slots);
    *map = (struct cenv_map){0};
}

/* The slot of `key`, or the empty one where it would go. `alloc` is not 0. */
static struct cenv_map_slot *slot_of(const struct cenv_map *map, struct cenv_str key,
                                     uint32_t hash)
{
    size_t mask = map->alloc - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct cenv_map_slot *slot = &map->slots[i];
        if (!slot->key.data || (slot->hash == hash && cenv_str_eq(slot->key, key)))
            return slot;
    }
}

uint32_t cenv_map_get(const struct cenv_map *map, struct cenv_str key)
{
    if (map->nr == 0)
        return CENV_NONE;
    struct cenv_map_slot *slot = slot_of(map, key, hash_of(key));
    return slot->key.data ? slot->value : CENV_NONE;
}

static bool grow_slots(struct cenv_map *map)
{
    struct cenv_map bigger = {.alloc = map->alloc ? map->alloc * 2 : 16, .nr = map->nr};
    bigger.slots = cenv_calloc(bigger.alloc, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < map->alloc; i++) {
        struct cenv_map_slot *slot = &map->slots[i];
        if (slot->key.data)
            *slot_of(&bigger, slot->key, slot->hash) = *slot;
    }
    cenv_free(map->slots);
    *map = bigger;
    return true;
}

bool cenv_map_put(struct cenv_map *map, struct cenv_str key, uint32_t value)
{
    if (map->nr + 1 > map->alloc / 4 * 3 && !grow_slots(map))
        return false;
    uint32_t hash = hash_of(key);
    struct cenv_map_slot *slot = slot_of(map, key, hash);
    if (!slot->key.data)
        map->nr++;
    *slot = (struct cenv_map_slot){.key = key, .hash = hash, .value = value};
    if (!key.data)
        slot->key.data = "";
    return true;
}
