/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes manifests by looking at what lies in an environment. */
#ifndef CENV_MANIFEST_MANIFEST_BUILD_H
#define CENV_MANIFEST_MANIFEST_BUILD_H

#include "base/task.h"
#include "manifest/manifest.h"
#include "prefix/prefix_records.h"
#include "relocate/path_search.h"

/*
 * The manifest of the environment at `path` (`root` open on it), whoever made it: by its records,
 * the extracted packages they name where these are still there and unaltered, and a search for its
 * names in everything else. `old` (or NULL): an earlier manifest, whose files are not looked into
 * again where size, time, mode and inode are the same. CENV_EPREFIX: a device, an unreadable record.
 */
int cenv_manifest_of_environment(struct cenv_manifest **out, int root, const char *path,
                                 const struct cenv_manifest *old,
                                 struct cenv_task *task, struct cenv_error *err);

/*
 * Whether everything lies as the manifest has it: type, size, time, mode and inode of every entry
 * and every directory's time, by fstatat only. 1 yes, 0 no, or a status.
 */
int cenv_manifest_is_current(const struct cenv_manifest *m, int root,
                             struct cenv_task *task, struct cenv_error *err);

/* ---- the frame both share ---- */

/* One file to be looked into. `path` has a NUL behind it, `name` is its last component. */
struct cenv_lookup {
    struct cenv_str path;
    const char *name;
    int dir; /* of the file */
    const struct cenv_stat *st;
    char *block; /* scratch of this thread, CENV_LOOK_BLOCK bytes */
};
enum { CENV_LOOK_BLOCK = 1 << 20 };

/* What was found. Zero-initialised: nothing to relocate, nobody's. */
struct cenv_found {
    struct cenv_sites sites; /* now the caller's */
    uint8_t flags;           /* CENV_MF_MANAGED, CENV_MF_SENSITIVE */
    bool packed;             /* compressed, or a ZIP archive */
    const char
        *reason; /* literal: names the environment where it cannot be relocated */
};

/* Any thread. */
typedef int (*cenv_look_fn)(void *ctx, const struct cenv_lookup *what,
                            struct cenv_found *found, struct cenv_error *err);

struct cenv_manifest_maker {
    int root;
    struct cenv_str prefix;      /* as its files name it */
    struct cenv_aliases aliases; /* the same, and its other names */
    const struct cenv_prefix *records;
    const struct cenv_manifest *old; /* or NULL */
    cenv_look_fn look;
    void *ctx;
    unsigned threads; /* 0: as many as the machine has, at most 8 */
};

int cenv_manifest_make(struct cenv_manifest **out,
                       const struct cenv_manifest_maker *maker, struct cenv_task *task,
                       struct cenv_error *err);

/* Looks into a file that no package vouches for. */
int cenv_look_at_path(const struct cenv_lookup *what,
                      const struct cenv_aliases *aliases, struct cenv_found *found,
                      struct cenv_error *err);

/* Whether any of the names occurs in it, boundaries or not: 1 or 0; sees scripts of bin. */
int cenv_look_mentions(const struct cenv_lookup *what,
                       const struct cenv_aliases *aliases, struct cenv_found *found,
                       struct cenv_error *err);

/*
 * Reads no more than the first two bytes of a file whose content is known: a script of bin becomes
 * CENV_MF_SENSITIVE in `found`.
 */
int cenv_look_peek_script(const struct cenv_lookup *what, struct cenv_found *found,
                          struct cenv_error *err);

/* The SHA-256 of its first `len` bytes, a multiple of 64. */
int cenv_look_hash_head(const struct cenv_lookup *what, uint64_t len,
                        struct cenv_sha256_state *out, struct cenv_error *err);

/* The whole file appended to `out`; CENV_EPREFIX when it is not the one `st` tells of. */
int cenv_look_read(const struct cenv_lookup *what, struct cenv_buf *out,
                   struct cenv_error *err);

#endif
