/* SPDX-License-Identifier: BSD-3-Clause */
/* Where things lie in a store (docs/design/store.md 1): what the other files of it build on. */
#ifndef CENV_STORE_LAYOUT_H
#define CENV_STORE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "cenv.h"
#include "os/dir.h"

struct cenv_json;
struct cenv_shape;

/* Directories of v1/, open as long as the store. */
enum cenv_store_dir {
    CENV_STORE_PKGS,
    CENV_STORE_TEMPLATES,
    CENV_STORE_REQUESTS,
    CENV_STORE_MANIFESTS,
    CENV_STORE_CLONES,
    CENV_STORE_REPODATA,
    CENV_STORE_LOCKS,
    CENV_STORE_TMP,
    CENV_STORE_NR_DIRS,
};

struct cenv_store {
    char *path; /* absolute, links resolved: ".../v1" */
    int root;
    int dirs[CENV_STORE_NR_DIRS];
};

/* The name of the directory in v1; a literal. */
const char *cenv_layout_name(enum cenv_store_dir dir);

/* Appends "<path of the store>/<dir>/<a>[/<b>]"; false: no memory. `b` may be NULL. */
bool cenv_layout_add_path(const struct cenv_store *store, enum cenv_store_dir dir,
                          const char *a, const char *b, struct cenv_buf *out);

/* The first 32 hex digits of the SHA-256 of a text of any length: what its file is named by. */
enum { CENV_STORE_KEY = 33, CENV_STORE_FILE = CENV_STORE_KEY + 5 };
int cenv_layout_key(struct cenv_str text, char key[CENV_STORE_KEY],
                    struct cenv_error *err);

/* The name of its JSON file: "<key>.json". */
int cenv_layout_file(struct cenv_str text, char name[CENV_STORE_FILE],
                     struct cenv_error *err);

/*
 * A JSON file of ours as a tree of that shape (codec/shape.h); 1 when it is absent, not whole or of
 * another shape: a damaged file counts as absent, and is made again as that would be.
 */
int cenv_layout_load_json(int dirfd, const char *name, const struct cenv_shape *shape,
                          struct cenv_json **out, struct cenv_error *err);

/* 0 in the place of a failure to write where we may only read, which `err` forgets; else `rc`. */
int cenv_layout_forgive_read_only(int rc, struct cenv_error *err);

/* CENV_EPREFIX where the store's path cannot stand in what is kept and told, which is UTF-8. */
int cenv_layout_check_path(const struct cenv_store *store, struct cenv_error *err);

/* Returns `rc`; a failure to write gets the hint that another place would do. */
int cenv_layout_hint_place(int rc, struct cenv_error *err);

/* Marks as used now, for gc's order, when it was not for an hour; failing harms nobody. */
void cenv_layout_touch(int dirfd, const char *name);

/*
 * Visits what lies in a directory of the store, in byte order, polling `task` (or NULL). The
 * visitor returns 0, or a status that ends the visit.
 */
typedef int (*cenv_layout_visit_fn)(void *ctx, const struct cenv_dirent *entry,
                                    struct cenv_error *err);
int cenv_layout_each(const struct cenv_store *store, enum cenv_store_dir dir,
                     struct cenv_task *task, cenv_layout_visit_fn visit, void *ctx,
                     struct cenv_error *err);

/* Sizes of all files below `fd`, each name counted. */
int cenv_layout_tree_bytes(int fd, uint64_t *bytes, struct cenv_task *task,
                           struct cenv_error *err);

#endif
