/* SPDX-License-Identifier: BSD-3-Clause */
/* The store's inside (design.md §7), for fetch, link and clone; cenv.h has what users call. */
#ifndef CENV_STORE_STORE_H
#define CENV_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "cenv.h"
#include "os/lock.h"
#include "os/proc.h"
#include "package/package_manifest.h"

struct cenv_json;

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
int cenv_store_dirfd(const struct cenv_store *store,
                     enum cenv_store_dir dir);               /* borrowed */
const char *cenv_store_path(const struct cenv_store *store); /* absolute, ".../v1" */

/* ---- making things ---- */

/*
 * A directory of one's own in v1/tmp (0700), guarded by a lock that dies with its owner, so that a
 * sweep knows what is left over. Close removes it with all that is still in it.
 */
struct cenv_work {
    char *name; /* in v1/tmp */
    int fd;
    struct cenv_lock *lock;
};
int cenv_work_open(const struct cenv_store *store, struct cenv_work *work,
                   struct cenv_error *err);
void cenv_work_close(const struct cenv_store *store, struct cenv_work *work);

/* All that was written so far survives a power cut: one syncfs, before publishing. */
int cenv_store_sync(const struct cenv_store *store, struct cenv_error *err);

/*
 * One builder at a time for `key` (a file name: "pkg-<sha256>", "template-<id>"); the lock dies with
 * its holder. take waits, polling `task`; try returns 1 and NULL when it is held. Two locks at once:
 * the second by try only, or builders wait for each other.
 */
int cenv_store_lock(const struct cenv_store *store, const char *key,
                    struct cenv_lock **lock, struct cenv_task *task,
                    struct cenv_error *err);
int cenv_store_try_lock(const struct cenv_store *store, const char *key,
                        struct cenv_lock **lock, struct cenv_error *err);
void cenv_store_unlock(const struct cenv_store *store, const char *key,
                       struct cenv_lock *lock);

/* Appends what is known of the holder: "process 123 on host since ...", or nothing. */
int cenv_store_lock_holder(const struct cenv_store *store, const char *key,
                           struct cenv_buf *out);

/* ---- packages: v1/pkgs/<aa>/<sha256>/{content/,manifest,record.json} ---- */

/*
 * Looks for the extracted package of this archive hash (64 lower-case hex) and compares it with its
 * manifest. 0: there and unaltered, the absolute path of its content appended to `path` (may be
 * NULL), marked as used. 1: not there, or altered or damaged: then `why` (may be NULL) says so, and
 * publishing a new one replaces it. Hold a lease from before the call until the files are linked.
 */
int cenv_store_find_package(const struct cenv_store *store, struct cenv_str sha256,
                            struct cenv_buf *path, struct cenv_buf *why,
                            struct cenv_task *task, struct cenv_error *err);

/* Only the path, unchecked: for what has just been found or published. */
int cenv_store_package_path(const struct cenv_store *store, struct cenv_str sha256,
                            struct cenv_buf *path, struct cenv_error *err);

/* The entry's record.json as text, appended; 1 when there is none. */
int cenv_store_package_record(const struct cenv_store *store, struct cenv_str sha256,
                              struct cenv_buf *out, struct cenv_error *err);

/*
 * Publishes the directory `name` of `work`, which holds content/, manifest and record.json, as the
 * package `sha256`. Call cenv_store_sync() before, once for many. When the package is there
 * already, ours is discarded (0) unless `replace`, which exchanges the two in one step.
 */
int cenv_store_publish_package(const struct cenv_store *store, struct cenv_str sha256,
                               const struct cenv_work *work, const char *name,
                               bool replace, struct cenv_error *err);

/* Names inside an entry. */
#define CENV_PKG_CONTENT  "content"
#define CENV_PKG_MANIFEST "manifest"
#define CENV_PKG_RECORD   "record.json"

/*
 * The hash of an archive that repodata does not tell, remembered by url, md5 and size. find: 0 with
 * hex in sha256[65], or 1.
 */
int cenv_store_learn_sha256(const struct cenv_store *store, struct cenv_str url,
                            struct cenv_str md5, uint64_t size, const char *sha256,
                            struct cenv_error *err);
int cenv_store_known_sha256(const struct cenv_store *store, struct cenv_str url,
                            struct cenv_str md5, uint64_t size, char *sha256);

/* ---- templates: v1/templates/<id>/{prefix/,manifest,template.json} ---- */

#define CENV_TEMPLATE_PREFIX   "prefix"
#define CENV_TEMPLATE_MANIFEST "manifest"
#define CENV_TEMPLATE_JSON     "template.json"

/* Appends the id (64 hex) of a template: SHA-256 over its records and what else shapes it
 * (design.md §7). `records` is an array, each with sha256. */
int cenv_template_id(const struct cenv_json *records, const char *key, const char *base,
                     struct cenv_buf *out, struct cenv_error *err);

/*
 * Whether the directory `prefix` (absolute, clean) is the prefix of a finished template of this
 * store: 1 with the path of its manifest appended to `manifest`, and marked as used; else 0. Hold a
 * lease as long as it is cloned.
 */
int cenv_store_is_template(const struct cenv_store *store, const char *prefix,
                           struct cenv_buf *manifest);

/*
 * Waits until nobody builds the template whose prefix `path` would be, be it there or not: 1 when it
 * is a path of this store's templates, 0 when not, or a status.
 */
int cenv_store_await_template(const struct cenv_store *store, const char *path,
                              struct cenv_task *task, struct cenv_error *err);

/* ---- clones: v1/clones/<key>.json ---- */

struct cenv_clone_entry {
    const char *path;              /* absolute */
    const char *source;            /* absolute: the prefix it was cloned from */
    uint64_t dev, ino;             /* of the directory at `path`; 0: not made yet */
    uint32_t root_mode;            /* permission bits it was given */
    struct cenv_owner owner;       /* pid 0: nobody's, never swept */
    const char *mode;              /* "reflink", "hardlink", "copy", "overlay" */
    uint64_t shown_dev, shown_ino; /* overlay: of what is mounted over the directory */
    const char *temp;   /* its name beside `path` until it is whole, or NULL */
    const char *origin; /* see origin.h, "" none; NULL: as it was entered before */
};

/* Enters it, replacing an entry of the same path. In a read-only store nothing is entered (0). */
int cenv_clone_register(const struct cenv_store *store,
                        const struct cenv_clone_entry *entry, struct cenv_error *err);
/* Removes what a killed cloning to `path` left beside it (see newprefix.h), with its entry. */
int cenv_clone_sweep_unfinished(const struct cenv_store *store, const char *path,
                                struct cenv_error *err);
int cenv_clone_forget(const struct cenv_store *store, const char *path,
                      struct cenv_error *err);

/*
 * One process at a time clones to a path, so that an entry is of the clone that is there: claim waits
 * until nobody else does, as long as the process lives. Unclaim with the same path; NULL is fine.
 */
int cenv_clone_claim(const struct cenv_store *store, const char *path,
                     struct cenv_lock **claim, struct cenv_task *task,
                     struct cenv_error *err);
void cenv_clone_unclaim(const struct cenv_store *store, const char *path,
                        struct cenv_lock *claim);

/*
 * For whoever removes a clone: mark, while it is there, the entry of the clone of `path` that lies
 * `at` (the same, or where it was set aside); NULL when it is none of the store. Forget then drops
 * the entry if the clone was `removed`, and another has not taken its place; it frees the mark.
 */
struct cenv_clone_mark;
struct cenv_clone_mark *cenv_clone_mark(const struct cenv_store *store,
                                        const char *path, const char *at);
void cenv_clone_forget_marked(const struct cenv_store *store,
                              struct cenv_clone_mark *mark, bool removed);

/* The overlay was mounted anew: enters what is shown at `path` now. The process that owns it. */
int cenv_clone_shown(const struct cenv_store *store, const char *path,
                     struct cenv_error *err);
int cenv_clone_owner(const struct cenv_store *store, const char *path, int64_t *pid,
                     struct cenv_error *err);

/* The clone is nobody's from now on: no sweep takes it. `mode`: what it is now. */
int cenv_clone_release(const struct cenv_store *store, const char *path,
                       const char *source, const char *mode, struct cenv_error *err);

/* 0 with *source and *mode (caller frees) when `path` is a registered clone, the very directory
 * that was registered; 1 when not. */
int cenv_clone_find(const struct cenv_store *store, const char *path, char **source,
                    char **mode, struct cenv_error *err);

/* The permission bits that the clone itself was given: of its source, or of the empty directory that
 * it took the place of. 1 when they are not known. */
int cenv_clone_root_mode(const struct cenv_store *store, const char *path,
                         uint32_t *mode, struct cenv_error *err);

/* What it was entered with, for the caller to free; 0, or 1 when there is none. */
int cenv_clone_origin(const struct cenv_store *store, const char *path, char **origin,
                      struct cenv_error *err);

/* The time, in ns since 1970, after which a change in the clone is a change; set after a reset. */
int cenv_clone_time(const struct cenv_store *store, const char *path, int64_t *time_ns,
                    struct cenv_error *err);
int cenv_clone_set_time(const struct cenv_store *store, const char *path,
                        int64_t time_ns, struct cenv_error *err);

#endif
