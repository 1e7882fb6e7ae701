/* SPDX-License-Identifier: BSD-3-Clause */
/* The store's copy of the repodata of a subdir, and the state file beside it with the headers of
 * the reply it came in. */
#ifndef CENV_FETCH_REPODATA_STATE_H
#define CENV_FETCH_REPODATA_STATE_H

#include <stdbool.h>

#include "fetch/subdir_fetch.h"
#include "os/raw_file.h"

/* Loads the state of `subdir` by its key; one that does not fit the data counts as absent. */
int cenv_repodata_state_load(struct cenv_repodata_fetch *r,
                             struct cenv_subdir_fetch *subdir);

/* Whether the copy may serve without asking the server: by the ttl asked for, else the server's. */
bool cenv_repodata_state_is_fresh(const struct cenv_repodata_fetch *r,
                                  const struct cenv_subdir_fetch *subdir);

/* Whether the form is not wanted, or was lately not there. */
bool cenv_repodata_state_lacks(const struct cenv_repodata_fetch *r,
                               const struct cenv_subdir_fetch *subdir,
                               enum cenv_subdir_form form);

/* The copy serves, as the state has it: `subdir` is done. */
int cenv_repodata_state_use(struct cenv_repodata_fetch *r,
                            struct cenv_subdir_fetch *subdir);

/* A new state after a reply: of the data, which is `st`, or with NULL that there is none. False:
 * out of memory. */
bool cenv_repodata_state_renew(const struct cenv_repodata_fetch *r,
                               struct cenv_subdir_fetch *subdir,
                               const struct cenv_stat *st);

/* Writes it, checked now, valid for as long as the reply says. */
int cenv_repodata_state_save(struct cenv_repodata_fetch *r,
                             struct cenv_subdir_fetch *subdir);

#endif
