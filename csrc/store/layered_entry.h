/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Environments of layers. A layer is a package as it lies in a prefix, an environment the
 * directories of its layers on top of each other; both lie among the packages of the store.
 */
#ifndef CENV_STORE_LAYERED_ENTRY_H
#define CENV_STORE_LAYERED_ENTRY_H

#include "base/arena.h"
#include "store/layout.h"

/* Packages. More are no environment of layers: see docs/limits.md. Older kernels show fewer. */
enum { CENV_LAYERED_MAX = 499, CENV_LAYERED_FEW = 199 };

/* What its record.json tells. */
#define CENV_LAYERED_LAYERS \
    "layers" /* hashes, the uppermost first; above them its own content */
#define CENV_LAYERED_SITE "site_packages" /* of its python, below the prefix */
#define CENV_LAYERED_BOOT \
    "boot" /* entries are not synced: they hold until the next start */

/* Where the layers of a store are shown: an empty directory of it, which is made. Appended.
 * CENV_ELINK, CENV_EPREFIX for a store with a path that a prefix cannot have. */
int cenv_layered_entry_add_prefix(const struct cenv_store *store, struct cenv_buf *out,
                                  struct cenv_error *err);

/* The environment `key` (a SHA-256): 0 with the path of its entry appended, marked as used with all
 * of its layers; 1 it is not there, or not as a whole. Hold a lease. */
int cenv_layered_entry_find(const struct cenv_store *store, struct cenv_str key,
                            struct cenv_buf *path, struct cenv_task *task,
                            struct cenv_error *err);

/* Only its path: of one that has just been published. */
int cenv_layered_entry_add_path(const struct cenv_store *store, struct cenv_str key,
                                struct cenv_buf *path, struct cenv_error *err);

/* What is shown, in `arena`. */
struct cenv_layered {
    const char *prefix;
    const char **dirs; /* the uppermost first */
    size_t nr;
    /* Directories of its python, which lists them when it starts. */
    const char **listed;
    size_t nr_listed;
};

/*
 * Reads the environment whose entry is at `path`, as find told it. 1: `path` is none, by its name.
 * CENV_EINTEGRITY when it is damaged.
 */
int cenv_layered_entry_read(const char *path, struct cenv_arena *arena,
                            struct cenv_layered *out, struct cenv_error *err);

#endif
