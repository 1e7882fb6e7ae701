/* SPDX-License-Identifier: BSD-3-Clause */
/* Repodata in a directory of this machine, which is read in place. */
#ifndef CENV_FETCH_LOCAL_REPODATA_H
#define CENV_FETCH_LOCAL_REPODATA_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "fetch/subdir_fetch.h"

/*
 * Fills form, path, identity (size, time and inode) and bytes of `subdir` from the best file in
 * `directory` (NUL behind it); shards count with `shards` alone. Without a file it is missing.
 */
int cenv_local_repodata_use(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                            bool shards, struct cenv_error *err);

#endif
