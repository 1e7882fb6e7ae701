/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of JSON documents that hold what JSON has no type for: paths, large numbers, owners. */
#ifndef CENV_STORE_FIELDS_H
#define CENV_STORE_FIELDS_H

#include "codec/json.h"
#include "os/proc.h"

/*
 * Paths are bytes and JSON is UTF-8: the hex is what counts, the text (left out where it is not
 * UTF-8) is for people. set: 0 or -1 (OOM). get: the caller frees it; NULL: absent, or not hex.
 */
int cenv_fields_set_path(struct cenv_json *doc, const char *key, const char *hex_key,
                         const char *path);
char *cenv_fields_get_path(const struct cenv_json *doc, const char *hex_key);

/* Inodes may have 64 bits, JSON numbers have 53: text. set: 0 or -1 (OOM). get: 0 where absent. */
int cenv_fields_set_u64(struct cenv_json *doc, const char *key, uint64_t value);
uint64_t cenv_fields_get_u64(const struct cenv_json *doc, const char *key);

/* The member "owner". set: 0 or -1 (OOM). get: pid 0 where absent. */
int cenv_fields_set_owner(struct cenv_json *doc, const struct cenv_owner *owner);
void cenv_fields_get_owner(const struct cenv_json *doc, struct cenv_owner *out);

#endif
