/* SPDX-License-Identifier: BSD-3-Clause */
/* How much the memories of a store take, and room for another one: the longest unused go first. */
#ifndef CENV_STORE_MEMORY_ROOM_H
#define CENV_STORE_MEMORY_ROOM_H

#include "store/layout.h"

/* One memory, whole or not; the texts are the visit's. */
struct cenv_memory_item {
    const char *id, *name;
    uint64_t bytes;
    int64_t used_ns; /* since 1970; 0: it is not whole */
};
typedef int (*cenv_memory_visit_fn)(void *ctx, const struct cenv_memory_item *item,
                                    struct cenv_error *err);

/* Visits the memories of the template `id`, in byte order of names. */
int cenv_memory_room_each(const struct cenv_store *store, const char *id,
                          cenv_memory_visit_fn visit, void *ctx,
                          struct cenv_error *err);

/*
 * Takes memories away until those of all templates, with `bytes` more, are within `max_bytes`: 0, 1
 * when there is no such room, or a status. Those in use stay.
 */
int cenv_memory_room_make(const struct cenv_store *store, uint64_t bytes,
                          uint64_t max_bytes, struct cenv_task *task,
                          struct cenv_error *err);

#endif
