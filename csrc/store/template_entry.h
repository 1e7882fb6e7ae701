/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates as entries of the store: v1/templates/<id>/{prefix/,manifest,template.json}. */
#ifndef CENV_STORE_TEMPLATE_ENTRY_H
#define CENV_STORE_TEMPLATE_ENTRY_H

#include "codec/json.h"
#include "os/lock.h"
#include "os/owner.h"
#include "os/raw_file.h"
#include "store/layout.h"

/* Names inside an entry. A transient one has an owner, the process that it ends with. */
#define CENV_TEMPLATE_PREFIX   "prefix"
#define CENV_TEMPLATE_MANIFEST "manifest"
#define CENV_TEMPLATE_JSON     "template.json"
#define CENV_TEMPLATE_OWNER    "owner.json"

/* Digits of an id: lower-case hex of a SHA-256. */
enum { CENV_TEMPLATE_ID_LEN = 64 };
bool cenv_template_entry_is_id(const char *id);

/* The id of the one template whose id begins with `start`: 0, 1 none; several are CENV_EUSAGE. */
int cenv_template_entry_resolve(const struct cenv_store *store, const char *start,
                                char id[CENV_TEMPLATE_ID_LEN + 1],
                                struct cenv_error *err);

/* Appends the path of the prefix of a template, there or not; false: no memory. */
bool cenv_template_entry_add_prefix(const struct cenv_store *store, const char *id,
                                    struct cenv_buf *out);

/* Makes its directory, in the place of what was never finished: a descriptor, or a status. */
int cenv_template_entry_make(const struct cenv_store *store, const char *id,
                             struct cenv_error *err);

/* The lock of the builder of a template (see store_lock.h); try_lock: 1 when it is held. */
int cenv_template_entry_lock(const struct cenv_store *store, const char *id,
                             struct cenv_lock **lock, struct cenv_task *task,
                             struct cenv_error *err);
int cenv_template_entry_try_lock(const struct cenv_store *store, const char *id,
                                 struct cenv_lock **lock, struct cenv_error *err);
void cenv_template_entry_unlock(const struct cenv_store *store, const char *id,
                                struct cenv_lock *lock);

/* template.json of a finished template and its facts (mtime: last use); 1 when there is none. */
int cenv_template_entry_load(const struct cenv_store *store, const char *id,
                             struct cenv_json **doc, struct cenv_stat *st,
                             struct cenv_error *err);

/* The same of the entry open as `dir`, wherever it lies. */
int cenv_template_entry_read(int dir, const char *id, struct cenv_json **doc,
                             struct cenv_stat *st, struct cenv_error *err);

/* Whether a template.json that came from elsewhere has the types that we write. */
bool cenv_template_entry_fits(const struct cenv_json *doc);

/* Lets the template in the directory `dir` end with the process `pid`; 0: with this one. */
int cenv_template_entry_save_owner(int dir, int64_t pid, struct cenv_error *err);

/* Whether it is one that ends with `owner`, or with a process that is gone: 1, 0 not, or a status.
 */
int cenv_template_entry_ends_with(const struct cenv_store *store, const char *id,
                                  const struct cenv_owner *owner,
                                  struct cenv_error *err);

/* Whether it is finished: 0 there, 1 not, or a status. */
int cenv_template_entry_find(const struct cenv_store *store, const char *id,
                             struct cenv_error *err);

struct cenv_sweep;

/*
 * Removes what killed drafts and imports left (no template.json, and nobody holds the lock), and
 * transient templates whose owner is gone.
 */
int cenv_template_entry_sweep(struct cenv_sweep *sweep, struct cenv_error *err);

/* Marks it as used now. */
void cenv_template_entry_touch(const struct cenv_store *store, const char *id);

/* 1 with the id of the template whose prefix that path (absolute, clean) would be, be it there or
 * not; 0: it is none of this store's; or a status. */
int cenv_template_entry_id_of_prefix(const struct cenv_store *store, const char *prefix,
                                     char id[CENV_TEMPLATE_ID_LEN + 1],
                                     struct cenv_error *err);

/*
 * Whether the directory `prefix` (absolute, clean) is the prefix of a finished template of this
 * store, which is then marked as used and the path of its manifest appended to `manifest`: 1, 0 or
 * a status. Hold a lease as long as it is cloned.
 */
int cenv_template_entry_of_prefix(const struct cenv_store *store, const char *prefix,
                                  struct cenv_buf *manifest, struct cenv_error *err);

#endif
