/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether what a server sent is repodata. */
#ifndef CENV_FETCH_REPODATA_CHECK_H
#define CENV_FETCH_REPODATA_CHECK_H

#include "fetch/subdir_fetch.h"

/*
 * Reads the download of `subdir` in the scratch directory: an index of shards must parse, JSON must
 * begin and end as an object does. Its SHA-256 becomes the identity. CENV_EINTEGRITY and
 * CENV_ECHANNEL name the URL without secrets.
 */
int cenv_repodata_check(struct cenv_repodata_fetch *r,
                        struct cenv_subdir_fetch *subdir);

#endif
