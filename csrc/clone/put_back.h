/* SPDX-License-Identifier: BSD-3-Clause */
/* What putting a known clone back to its source's state has in common, whatever it is for. */
#ifndef CENV_CLONE_PUT_BACK_H
#define CENV_CLONE_PUT_BACK_H

#include "clone/report.h"
#include "store/clone_registry.h"

/* Puts the clone of an entry back, and counts what it did. Returns 0 or a status. */
typedef int cenv_put_back_fn(const struct cenv_clone_entry *clone,
                             struct cenv_store *store, struct cenv_reset_counts *counts,
                             struct cenv_task *task, struct cenv_error *err);

/*
 * Runs `put_back` on the clone at a path that a user gave, and appends the report to `out`, which
 * is as before on failure. CENV_EPREFIX with `hint` where the store knows no clone there.
 */
int cenv_put_back_known(struct cenv_store *store, const char *path, const char *hint,
                        cenv_put_back_fn *put_back, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err);

#endif
