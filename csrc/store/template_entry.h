/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates as the store's own files see them. */
#ifndef CENV_STORE_TEMPLATE_ENTRY_H
#define CENV_STORE_TEMPLATE_ENTRY_H

#include "codec/json.h"
#include "os/fs.h"
#include "store/store.h"

/* In templates/<id>/ of a transient one: whose death ends it. */
#define CENV_TEMPLATE_OWNER "owner.json"

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

#endif
