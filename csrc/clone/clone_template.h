/* SPDX-License-Identifier: BSD-3-Clause */
/* The template of a clone that nobody changed: what a clone of that clone is better made from. */
#ifndef CENV_CLONE_CLONE_TEMPLATE_H
#define CENV_CLONE_CLONE_TEMPLATE_H

#include "base/arena.h"
#include "clone/clone_source.h"
#include "store/layout.h"

struct cenv_clone_template {
    /* The template, with its manifest; the caller may take it over. */
    struct cenv_clone_source source;
    const char *provenance; /* what the clone tells of its request; "": nothing */
    struct cenv_lease *lease;
    struct cenv_arena arena;
};
#define CENV_CLONE_TEMPLATE_INIT \
    { \
        .source = {.fd = -1}, .arena = CENV_ARENA_INIT \
    }

/*
 * Finds the template in `store` that the environment `clone`, which users call `path`, was cloned
 * from, where both are as they were then, and it lies where the clone's own files could be shared
 * from. 1 when there is none, for whatever reason; a status when interrupted or out of memory.
 * The caller releases what was found.
 */
int cenv_clone_template_find(struct cenv_clone_template *out, struct cenv_store *store,
                             const struct cenv_clone_source *clone, const char *path,
                             struct cenv_task *task, struct cenv_error *err);
void cenv_clone_template_release(struct cenv_clone_template *found);

#endif
