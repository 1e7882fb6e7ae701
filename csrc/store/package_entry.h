/* SPDX-License-Identifier: BSD-3-Clause */
/* Extracted packages: v1/pkgs/<aa>/<sha256>/{content/,manifest,record.json}. */
#ifndef CENV_STORE_PACKAGE_ENTRY_H
#define CENV_STORE_PACKAGE_ENTRY_H

#include "store/layout.h"
#include "store/scratch.h"

struct cenv_package_manifest;

/* Names inside an entry. */
#define CENV_PKG_CONTENT  "content"
#define CENV_PKG_MANIFEST "manifest"
#define CENV_PKG_RECORD   "record.json"

/*
 * Looks for the extracted package of this archive hash (64 lower-case hex) and compares it with its
 * manifest. 0: there and unaltered, the absolute path of its content appended to `path` (may be
 * NULL), marked as used. 1: not there, or altered or damaged: then `why` (may be NULL) says so, and
 * publishing a new one replaces it. Hold a lease from before the call until the files are linked.
 */
int cenv_package_entry_find(const struct cenv_store *store, struct cenv_str sha256,
                            struct cenv_buf *path, struct cenv_buf *why,
                            struct cenv_task *task, struct cenv_error *err);

/* Marks it as used; false when it is not there. Its files are not looked at. */
bool cenv_package_entry_use(const struct cenv_store *store, struct cenv_str sha256);

/* Opens its content, whose files are not looked at: a descriptor, or a status. */
int cenv_package_entry_open(const struct cenv_store *store, struct cenv_str sha256,
                            struct cenv_error *err);

/* Reads its manifest (package/package_manifest.h), which is not compared with its files. */
int cenv_package_entry_read_manifest(const struct cenv_store *store,
                                     struct cenv_str sha256,
                                     struct cenv_package_manifest *out,
                                     struct cenv_error *err);

/* Reads its file `name`, appended; 1 when there is none. */
int cenv_package_entry_read(const struct cenv_store *store, struct cenv_str sha256,
                            const char *name, struct cenv_buf *out,
                            struct cenv_error *err);

/* Only the path, unchecked: for what has just been found or published. */
int cenv_package_entry_add_path(const struct cenv_store *store, struct cenv_str sha256,
                                struct cenv_buf *path, struct cenv_error *err);

/* The entry's record.json as text, appended; 1 when there is none. */
int cenv_package_entry_record(const struct cenv_store *store, struct cenv_str sha256,
                              struct cenv_buf *out, struct cenv_error *err);

/* The size of the files of the package whose entry is the directory `entry`; 0 when it is
 * damaged. */
uint64_t cenv_package_entry_bytes(int entry);

/*
 * Makes the directory `name` of `scratch`, with an empty content/ in it. The caller closes both
 * descriptors, after a failure too: they are -1 where it did not get that far.
 */
int cenv_package_entry_make(const struct cenv_scratch *scratch, const char *name,
                            int *entry, int *content, struct cenv_error *err);

/* Writes the record.json of an entry that nobody downloaded: of its `kind` ("layer"), and of the
 * package `dist` that it was made of. */
int cenv_package_entry_write_kind(int entry, const char *kind, struct cenv_str dist,
                                  struct cenv_error *err);

/*
 * Publishes the directory `name` of `scratch`, which holds content/, manifest and record.json, as
 * the package `sha256`. Call cenv_publish_sync() before, once for many. When the package is there
 * already, ours is discarded (0) unless `replace`, which exchanges the two in one step.
 */
int cenv_package_entry_publish(const struct cenv_store *store, struct cenv_str sha256,
                               const struct cenv_scratch *scratch, const char *name,
                               bool replace, struct cenv_error *err);

#endif
