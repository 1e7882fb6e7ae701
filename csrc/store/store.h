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

#endif
