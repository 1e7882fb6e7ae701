/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes of archives that repodata does not tell. */
#ifndef CENV_STORE_KNOWN_HASH_H
#define CENV_STORE_KNOWN_HASH_H

#include "store/layout.h"

/* Remembers the hash (hex) of an archive by its url, md5 and size. */
int cenv_known_hash_put(const struct cenv_store *store, struct cenv_str url,
                        struct cenv_str md5, uint64_t size, const char *sha256,
                        struct cenv_error *err);

/* True with the hex in sha256[65] when it is known. */
bool cenv_known_hash_find(const struct cenv_store *store, struct cenv_str url,
                          struct cenv_str md5, uint64_t size, char *sha256);

#endif
