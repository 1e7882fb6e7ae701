/* SPDX-License-Identifier: BSD-3-Clause */
/* The store's own parts, shared by the store's files only. */
#ifndef CENV_STORE_STOREDIR_H
#define CENV_STORE_STOREDIR_H

#include "store/store.h"

struct cenv_store {
    char *path; /* absolute, links resolved: ".../v1" */
    int root;
    int dirs[CENV_STORE_NR_DIRS];
};

struct cenv_lease {
    struct cenv_lock *lock;
};

/* "<path of the store>/<dir>/<a>[/<b>]" appended; 0 or -1 (OOM). `b` may be NULL. */
int cenv_store_add_path(const struct cenv_store *store, enum cenv_store_dir dir,
                        const char *a, const char *b, struct cenv_buf *out);

/* The first 32 hex digits of the SHA-256 of `text`: the name of its file. key[33]. */
enum { CENV_STORE_KEY = 33 };
int cenv_store_key(struct cenv_str text, char *key, struct cenv_error *err);

/* A JSON file of ours as a tree; 1 when it is absent or not whole (then it counts as absent). */
int cenv_store_load_json(int dirfd, const char *name, struct cenv_json **out,
                         struct cenv_error *err);

/* An owner as the member "owner" of a document; 0 or -1 (OOM). Absent: pid 0. */
int cenv_store_set_owner(struct cenv_json *doc, const struct cenv_owner *owner);
void cenv_store_get_owner(const struct cenv_json *doc, struct cenv_owner *out);

/* The lease of gc: 1 when somebody holds one. Free with cenv_lock_free. */
int cenv_store_try_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                             struct cenv_error *err);

/* Moves `name` out of the way (into v1/tmp) in one step and removes it; absent is fine. */
int cenv_store_drop(const struct cenv_store *store, int dirfd, const char *name,
                    struct cenv_error *err);

/*
 * Puts `name` in the place of `entry`, and what was there (if anything) where `name` was, in one
 * step where the file system can. 0 or -errno.
 */
int cenv_store_exchange(int from, const char *name, int to, const char *entry);

/* Marks as used now, for gc's order, when it was not for an hour; failing harms nobody. */
void cenv_store_touch(int dirfd, const char *name);

struct cenv_sweep;

/* Removes works whose owner is gone. */
int cenv_work_sweep(struct cenv_sweep *sweep, struct cenv_error *err);

/* Sizes of all files below `fd`, each name counted. */
int cenv_store_tree_bytes(int fd, uint64_t *bytes, struct cenv_task *task,
                          struct cenv_error *err);

#endif
