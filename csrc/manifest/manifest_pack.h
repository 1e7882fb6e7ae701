/* SPDX-License-Identifier: BSD-3-Clause */
/* A manifest in the making, and turning it into the block of manifest.h. */
#ifndef CENV_MANIFEST_MANIFEST_PACK_H
#define CENV_MANIFEST_MANIFEST_PACK_H

#include "base/arena.h"
#include "base/map.h"
#include "manifest/manifest_build.h"

enum { CENV_MAKING_THREADS = 8 };

/* Texts live in the arena, with a NUL behind them. */
struct cenv_making_dir {
    struct cenv_str path;
    uint32_t parent;
    uint32_t first, nr; /* its items */
    struct cenv_stat st;
    bool xattrs;
};

struct cenv_making_item {
    struct cenv_str path, name;
    struct cenv_str target; /* of a link */
    struct cenv_stat st;
    struct cenv_found found;
    uint32_t dir, skip, reloc, peer;
    bool hashed;
    struct cenv_sha256_state head;
};

struct cenv_making_note {
    struct cenv_str path;
    const char *reason;
    enum cenv_note_kind kind;
};

struct cenv_making {
    const struct cenv_manifest_maker *maker;
    struct cenv_task *task;
    struct cenv_arena arena;
    struct cenv_making_dir *dirs;
    struct cenv_making_item *items; /* sorted by directory and name after the walk */
    struct cenv_making_note *notes;
    size_t nr_dirs, alloc_dirs, nr_items, alloc_items, nr_notes, alloc_notes;
    uint32_t nr_relocs;
    struct cenv_map dir_map, item_map; /* by path */
    struct cenv_map old_dirs, old_notes;
    char *blocks[CENV_MAKING_THREADS];
};

int cenv_manifest_pack(struct cenv_manifest **out, const struct cenv_making *making,
                       struct cenv_error *err);

#endif
