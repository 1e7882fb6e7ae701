/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes of archives that repodata does not tell. */
#ifndef CENV_STORE_KNOWN_HASH_H
#define CENV_STORE_KNOWN_HASH_H

#include "store/layout.h"

/*
 * The hash of an archive that repodata does not tell, remembered by url, md5 and size. find: 0 with
 * hex in sha256[65], or 1.
 */
int cenv_known_hash_put(const struct cenv_store *store, struct cenv_str url,
                        struct cenv_str md5, uint64_t size, const char *sha256,
                        struct cenv_error *err);
int cenv_known_hash_find(const struct cenv_store *store, struct cenv_str url,
                         struct cenv_str md5, uint64_t size, char *sha256);

#endif
