/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of JSON documents that hold what JSON has no type for: paths, large numbers, owners. */
#ifndef CENV_STORE_FIELDS_H
#define CENV_STORE_FIELDS_H

#include "base/arena.h"
#include "codec/json.h"
#include "codec/shape.h"
#include "os/owner.h"

/*
 * Paths are bytes and JSON is UTF-8: the hex is what counts, the text is for people. read: 0 with
 * *path in `arena`, 1 when it is absent or no hex, or CENV_ENOMEM.
 */
void cenv_fields_write_path(struct cenv_json_writer *w, const char *key,
                            const char *hex_key, const char *path);
int cenv_fields_read_path(const struct cenv_json *doc, const char *hex_key,
                          struct cenv_arena *arena, const char **path,
                          struct cenv_error *err);

/* Inodes may have 64 bits, JSON numbers have 53: text. read: 0 where it is absent. */
void cenv_fields_write_u64(struct cenv_json_writer *w, const char *key, uint64_t value);
uint64_t cenv_fields_read_u64(const struct cenv_json *doc, const char *key);

/* The member "owner", and the shape of its value. read: pid 0 where it is absent. */
extern const struct cenv_shape cenv_fields_owner;
void cenv_fields_write_owner(struct cenv_json_writer *w,
                             const struct cenv_owner *owner);
void cenv_fields_read_owner(const struct cenv_json *doc, struct cenv_owner *out);

#endif
