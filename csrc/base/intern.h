/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings to dense ids: equal strings have equal ids. */
#ifndef CENV_BASE_INTERN_H
#define CENV_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

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
