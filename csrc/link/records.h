/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of a new environment, below its conda-meta. */
#ifndef CENV_LINK_RECORDS_H
#define CENV_LINK_RECORDS_H

#include "base/error.h"
#include "link/steps.h"

/* Writes conda-meta: one record per package, then history and created_at, which make it
 * complete. */
int cenv_link_records_write(struct cenv_linker *linker, struct cenv_error *err);

/*
 * "channel/subdir::name-version-build", as history has the package of that record and `dist`; the
 * channel as the record names it, without secrets. In `arena`; false: out of memory.
 */
bool cenv_link_records_dist(const struct cenv_json *record, struct cenv_str dist,
                            struct cenv_arena *arena, struct cenv_str *out);

#endif
