/* SPDX-License-Identifier: BSD-3-Clause */
/* Interned strings: see intern.h. */
#include "base/intern.h"

#include "base/alloc.h"

void cenv_intern_release(struct cenv_intern *table)
{
    cenv_map_release(&table->map);
    cenv_arena_release(&table->arena);
    cenv_free(table->strs);
    *table = (struct cenv_intern){0};
}

uint32_t cenv_intern_find(const struct cenv_intern *table, struct cenv_str text)
{
    return cenv_map_get(&table->map, text);
}

uint32_t cenv_intern_id(struct cenv_intern *table, struct cenv_str text)
{
    uint32_t id = cenv_intern_find(table, text);
    if (id != CENV_NONE)
        return id;
    void *strs = table->strs;
    if (table->nr >= CENV_NONE - 1 ||
        !cenv_grow(&strs, &table->alloc, table->nr, sizeof(*table->strs)))
        return CENV_NONE;
    table->strs = strs;
    struct cenv_str copy = cenv_arena_str(&table->arena, text);
    if (!copy.data || !cenv_map_put(&table->map, copy, (uint32_t)table->nr))
        return CENV_NONE;
    table->strs[table->nr] = copy;
    return (uint32_t)table->nr++;
}
