/* SPDX-License-Identifier: BSD-3-Clause */
/* What is gathered of an environment until its manifest is packed. One call, one builder. */
#ifndef CENV_MANIFEST_MANIFEST_BUILDER_H
#define CENV_MANIFEST_MANIFEST_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/task.h"
#include "manifest/manifest.h"
#include "manifest/scan_file.h"
#include "prefix/prefix_records.h"
#include "relocate/path_search.h"

/* What a manifest is built from; all borrowed. */
struct cenv_manifest_inputs {
    int root;
    struct cenv_str prefix;         /* as its files name it */
    struct cenv_search_names names; /* the same, and its other names */
    struct cenv_str former;         /* one of these, where it was before; or "" */
    const struct cenv_prefix_records *records;
    const struct cenv_manifest *old; /* or NULL */
    bool cloned; /* `old` is of what this was cloned from (manifest_foreign.h) */
    cenv_scan_fn scan;
    void *ctx;
    bool shared;      /* clones get the inodes of what they need not write */
    unsigned threads; /* 0: as many as the machine has, at most 8 */
};

enum { CENV_BUILDER_THREADS = 8 };

/* Texts live in the arena, with a NUL behind them. */
struct cenv_builder_dir {
    struct cenv_str path;
    uint32_t parent;
    uint32_t first, nr; /* its items */
    struct cenv_stat st;
    bool xattrs;
};

struct cenv_builder_item {
    struct cenv_str path, name;
    struct cenv_str target; /* of a link */
    struct cenv_stat st;
    struct cenv_scan_result result;
    uint32_t dir, skip, reloc, peer; /* as in struct cenv_mf_file */
    bool hashed;                     /* as in struct cenv_mf_reloc, and so is `head` */
    struct cenv_sha256_state head;
    uint64_t replaced; /* as in struct cenv_mf_reloc */
    bool reused;       /* from the old manifest, `replaced` too */
};

struct cenv_builder_note {
    struct cenv_str path;
    const char *reason; /* a literal, or a text of inputs->old */
    enum cenv_note_kind kind;
};

struct cenv_manifest_builder {
    const struct cenv_manifest_inputs *inputs;
    struct cenv_task *task;
    struct cenv_arena arena;
    struct cenv_builder_dir *dirs;
    struct cenv_builder_item *items; /* sorted by directory and name after the walk */
    struct cenv_builder_note *notes;
    size_t nr_dirs, alloc_dirs, nr_items, alloc_items, nr_notes, alloc_notes;
    uint32_t nr_relocs;
    struct cenv_map dir_map, item_map; /* by path */
    struct cenv_map old_dirs, old_notes;
    char *blocks[CENV_BUILDER_THREADS]; /* scratch, one a thread */
};

/* The file or link at `path`, relative to the root; NULL when there is none. After the walk. */
struct cenv_builder_item *
cenv_manifest_builder_find(struct cenv_manifest_builder *builder, struct cenv_str path);

/* These return 0 or CENV_ENOMEM; `path` lives in the arena. */
int cenv_manifest_builder_add_note(struct cenv_manifest_builder *builder,
                                   struct cenv_str path, const char *reason,
                                   enum cenv_note_kind kind, struct cenv_error *err);
int cenv_manifest_builder_add_dir(struct cenv_manifest_builder *builder,
                                  struct cenv_str path, uint32_t parent,
                                  const struct cenv_stat *st, struct cenv_error *err);
/* Adds a copy of `item`; it has no relocation and no peer yet. */
int cenv_manifest_builder_add_item(struct cenv_manifest_builder *builder,
                                   struct cenv_builder_item *item,
                                   struct cenv_error *err);

void cenv_manifest_builder_init(struct cenv_manifest_builder *builder,
                                const struct cenv_manifest_inputs *inputs,
                                struct cenv_task *task);
void cenv_manifest_builder_release(struct cenv_manifest_builder *builder);

#endif
