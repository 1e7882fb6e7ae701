/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates as the store's own files see them. */
#ifndef CENV_STORE_TEMPLATE_ENTRY_H
#define CENV_STORE_TEMPLATE_ENTRY_H

#include "codec/json.h"
#include "os/fs.h"
#include "store/layout.h"

/* In templates/<id>/ of a transient one: whose death ends it. */
#define CENV_TEMPLATE_OWNER "owner.json"

#define CENV_TEMPLATE_PREFIX   "prefix"
#define CENV_TEMPLATE_MANIFEST "manifest"
#define CENV_TEMPLATE_JSON     "template.json"

/* template.json of a finished template and its facts (mtime: last use); 1 when there is none. */
int cenv_template_load(const struct cenv_store *store, const char *id,
                       struct cenv_json **doc, struct cenv_stat *st,
                       struct cenv_error *err);

/* Whether it is finished: 0 there, 1 not, or a status. */
int cenv_template_is_there(const struct cenv_store *store, const char *id,
                           struct cenv_error *err);

/* Adds what is not in the file, "path" and "used"; 0 or -1 (OOM). */
int cenv_template_complete(const struct cenv_store *store, const char *id,
                           const struct cenv_stat *st, struct cenv_json *doc);

struct cenv_sweep;

/*
 * Removes what killed drafts and stagings left (no template.json, and nobody holds the lock), and
 * transient templates whose owner is gone.
 */
int cenv_template_sweep(struct cenv_sweep *sweep, struct cenv_error *err);

/* Marks it as used now. */
void cenv_template_used(const struct cenv_store *store, const char *id);

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

/* Appends the id (64 hex) of a template: SHA-256 over its records and what else shapes it
 * (design.md §7). `records` is an array, each with sha256. */
int cenv_template_id(const struct cenv_json *records, const char *key, const char *base,
                     struct cenv_buf *out, struct cenv_error *err);

#endif
