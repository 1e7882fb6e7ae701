/* SPDX-License-Identifier: BSD-3-Clause */
/* Sharded repodata (CEP 16): the index that says where each name's records lie, and their
 * files. */
#ifndef CENV_REPODATA_SHARD_INDEX_H
#define CENV_REPODATA_SHARD_INDEX_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* The name of an index, and how the name of a shard ends behind its hash. */
#define CENV_SHARD_INDEX_FN "repodata_shards.msgpack.zst"
#define CENV_SHARD_EXT      ".msgpack.zst"

/* Most bytes of such a file; shard_index.c bounds what they may unpack to. */
enum { CENV_SHARD_INDEX_MAX = 128 << 20, CENV_SHARD_MAX = 64 << 20 };

struct cenv_shard {
    struct cenv_str name;   /* lower case */
    struct cenv_str sha256; /* of the file, 64 lower-case hex digits */
};

/* All spans lie in the arena. */
struct cenv_shard_index {
    struct cenv_arena arena;
    struct cenv_str subdir, base_url, shards_base_url; /* as written; or empty */
    struct cenv_str relations;                         /* the same, as JSON (CEP 42) */
    struct cenv_shard *shards;                         /* sorted by name */
    size_t nr;
};

/*
 * Reads an index as a server sends it. `file` names it in messages, `subdir` (or empty) is the
 * one asked for. CENV_EINTEGRITY: cut short, damaged, of another shape, too large. CENV_ECHANNEL:
 * of another subdir, of a version not known, with credentials in base_url. The caller releases
 * *out after success.
 */
int cenv_shard_index_read(struct cenv_shard_index *out, struct cenv_str bytes,
                          const char *file, struct cenv_str subdir,
                          struct cenv_error *err);
void cenv_shard_index_release(struct cenv_shard_index *index);

/* The place of a name, or index->nr. */
size_t cenv_shard_index_find(const struct cenv_shard_index *index,
                             struct cenv_str name);

/*
 * Appends a shard as repodata.json text. CENV_EINTEGRITY unless the file has the hash, before
 * anything else is looked at, and when what it holds is not MessagePack.
 */
int cenv_shard_index_unpack_shard(struct cenv_str bytes, struct cenv_str sha256,
                                  struct cenv_buf *out, struct cenv_error *err);

#endif
