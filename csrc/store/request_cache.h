/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What requests led to: small JSON documents by the text that was asked, all of which can be found
 * out again. They are not synced: what is not whole after a power cut counts as not there.
 */
#ifndef CENV_STORE_REQUEST_CACHE_H
#define CENV_STORE_REQUEST_CACHE_H

#include "store/layout.h"

/* A store that may only be read remembers nothing, which is no failure. */
int cenv_request_cache_put(const struct cenv_store *store, struct cenv_str request,
                           struct cenv_str reply_json, struct cenv_error *err);

/* 0 with *reply, which the caller frees; 1 when the request is not known. */
int cenv_request_cache_find(const struct cenv_store *store, struct cenv_str request,
                            struct cenv_json **reply, struct cenv_error *err);

#endif
