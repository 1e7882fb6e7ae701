/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading shards and their index: zstd, MessagePack, then what repodata is read with. */
#include "repodata/shard_index.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "cenv.h"
#include "codec/json.h"
#include "codec/json_scan.h"
#include "codec/limits.h"
#include "codec/msgpack.h"
#include "codec/stream.h"
#include "codec/zstd.h"
#include "model/channel.h"

/* Most bytes that may come out: conda allows an index 128 MiB and a shard 16; JSON is up to a few
 * times larger. */
static const size_t INDEX_UNPACKED = (size_t)256 << 20;
static const size_t SHARD_UNPACKED = (size_t)256 << 20;
static const size_t JSON_TIMES = 4;

struct reader {
    struct cenv_json_scan scan;
    struct cenv_shard_index *index;
    size_t alloc;
    struct cenv_str subdir; /* asked for */
    struct cenv_error *err;
};

/* Unpacks zstd and then MessagePack; `out` gets JSON. */
static int unpack_json(struct cenv_str bytes, size_t most, struct cenv_buf *out,
                       struct cenv_error *err)
{
    uint64_t limit = cenv_limits_repodata(bytes.len);
    struct cenv_buf packed;
    int rc;

    cenv_buf_init(&packed, limit < most ? (size_t)limit : most);
    rc = cenv_decode(CENV_CODEC_ZSTD, bytes, &packed, err);
    if (rc == 0)
        rc = cenv_msgpack_to_json(cenv_buf_str(&packed), out, err);
    cenv_buf_release(&packed);
    return rc;
}

static int keep_text(struct reader *r, struct cenv_str *out)
{
    struct cenv_arena *arena = &r->index->arena;
    int rc = cenv_json_scan_string(&r->scan, out, arena);

    if (rc == 0)
        *out = cenv_arena_str(arena, *out);
    return rc == 0 && !out->data ? CENV_ENOMEM : rc;
}

/* As JSON, for relations.h to make sense of. */
static int keep_relations(struct reader *r)
{
    cenv_json_scan_peek(&r->scan);
    const char *start = r->scan.at;
    int rc = cenv_json_scan_skip(&r->scan);

    if (rc < 0)
        return rc;
    r->index->relations = cenv_arena_str(
        &r->index->arena, cenv_str_n(start, (size_t)(r->scan.at - start)));
    return r->index->relations.data ? 0 : CENV_ENOMEM;
}

static int read_info(struct reader *r)
{
    struct cenv_shard_index *index = r->index;
    struct cenv_str key;
    bool started = false;
    int rc = cenv_json_scan_expect(&r->scan, '{', "info is not a map");

    while (rc == 0 &&
           (rc = cenv_json_scan_member(&r->scan, &started, &key, &index->arena)) > 0)
        rc = cenv_str_is(key, "subdir")     ? keep_text(r, &index->subdir)
             : cenv_str_is(key, "base_url") ? keep_text(r, &index->base_url)
             : cenv_str_is(key, "shards_base_url")
                 ? keep_text(r, &index->shards_base_url)
             : cenv_str_is(key, "channel_relations") ? keep_relations(r)
                                                     : cenv_json_scan_skip(&r->scan);
    return rc;
}

static int lower_name(struct reader *r, struct cenv_str key, struct cenv_str *out)
{
    char *copy;

    *out = cenv_arena_str(&r->index->arena, key);
    copy = (char *)(uintptr_t)out->data; /* ours, just made */
    for (size_t i = 0; copy && i < out->len; i++)
        copy[i] = (char)(copy[i] >= 'A' && copy[i] <= 'Z' ? copy[i] + 32 : copy[i]);
    return copy ? 0 : CENV_ENOMEM;
}

static int read_shard(struct reader *r, struct cenv_str key)
{
    struct cenv_shard_index *index = r->index;
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_shard shard;
    void *shards = index->shards;
    int rc = keep_text(r, &shard.sha256);

    if (rc == 0 && !cenv_unhex(shard.sha256, raw, sizeof(raw)))
        rc = cenv_json_scan_fail(&r->scan, "a shard's hash is not of 32 bytes");
    if (rc == 0)
        rc = lower_name(r, key, &shard.name);
    if (rc == 0 && !cenv_grow(&shards, &r->alloc, index->nr, sizeof(shard)))
        rc = CENV_ENOMEM;
    if (rc < 0)
        return rc;
    index->shards = shards;
    index->shards[index->nr++] = shard;
    return 0;
}

static int read_shards(struct reader *r)
{
    struct cenv_str key;
    bool started = false;
    int rc = cenv_json_scan_expect(&r->scan, '{', "shards is not a map");

    while (rc == 0 &&
           (rc = cenv_json_scan_member(&r->scan, &started, &key, &r->index->arena)) > 0)
        rc = read_shard(r, key);
    return rc;
}

static int read_version(struct reader *r)
{
    uint64_t version = 0;
    int rc = cenv_json_scan_uint(&r->scan, &version);

    if (rc < 0 || version == 1)
        return rc;
    cenv_error_set(r->err, CENV_ECHANNEL,
                   "version %llu of sharded repodata is not known to this program",
                   (unsigned long long)version);
    return cenv_error_hint(r->err, "a newer cenv may read it; or set "
                                   "repodata_use_shards: false in .condarc");
}

static int read_index(struct reader *r)
{
    struct cenv_str key;
    bool started = false, found = false;
    int rc = cenv_json_scan_expect(&r->scan, '{', "the index is not a map");

    while (rc == 0 && (rc = cenv_json_scan_member(&r->scan, &started, &key,
                                                  &r->index->arena)) > 0) {
        found |= cenv_str_is(key, "shards");
        rc = cenv_str_is(key, "version")  ? read_version(r)
             : cenv_str_is(key, "info")   ? read_info(r)
             : cenv_str_is(key, "shards") ? read_shards(r)
                                          : cenv_json_scan_skip(&r->scan);
    }
    if (rc == 0 && !found)
        rc = cenv_json_scan_fail(&r->scan, "the index has no shards");
    return rc;
}

static int shard_cmp(const void *a, const void *b)
{
    const struct cenv_shard *left = a, *right = b;

    return cenv_str_cmp(left->name, right->name);
}

/* Checks what the values of the index say together, and sorts the shards. */
static int check_index(struct reader *r)
{
    struct cenv_shard_index *index = r->index;

    if (r->subdir.len && index->subdir.len && !cenv_str_eq(r->subdir, index->subdir))
        return cenv_error_set(r->err, CENV_ECHANNEL,
                              "this is the repodata of %.*s, not of %.*s",
                              CENV_STR_ARG(index->subdir), CENV_STR_ARG(r->subdir));
    if (cenv_channel_has_secrets(index->base_url))
        return cenv_error_set(r->err, CENV_ECHANNEL, "base_url has credentials in it");
    if (index->nr)
        qsort(index->shards, index->nr, sizeof(*index->shards), shard_cmp);
    for (size_t i = 1; i < index->nr; i++)
        if (cenv_str_eq(index->shards[i - 1].name, index->shards[i].name))
            return cenv_error_set(r->err, CENV_EINTEGRITY, "it has '%.*s' twice",
                                  CENV_STR_ARG(index->shards[i].name));
    return 0;
}

int cenv_shard_index_read(struct cenv_shard_index *out, struct cenv_str bytes,
                          const char *file, struct cenv_str subdir,
                          struct cenv_error *err)
{
    struct cenv_shard_index index = {.arena = CENV_ARENA_INIT};
    struct reader r = {.index = &index, .subdir = subdir, .err = err};
    struct cenv_buf json;
    int rc;

    cenv_buf_init(&json, JSON_TIMES * INDEX_UNPACKED);
    rc = unpack_json(bytes, INDEX_UNPACKED, &json, err);
    if (rc == 0) {
        r.scan = (struct cenv_json_scan){json.data, json.data + json.len, NULL};
        rc = read_index(&r);
        if (rc == CENV_EINTEGRITY)
            cenv_error_set(err, rc, "%s", r.scan.why);
        else if (rc == CENV_ENOMEM)
            cenv_error_oom(err);
    }
    if (rc == 0)
        rc = check_index(&r);
    cenv_buf_release(&json);
    if (rc == 0) {
        *out = index;
        return 0;
    }
    cenv_shard_index_release(&index);
    cenv_error_prefix(err, "%s", file);
    return cenv_error_hint(err, "the file is damaged or wrong: fetch it again, or set "
                                "repodata_use_shards: false in .condarc");
}

void cenv_shard_index_release(struct cenv_shard_index *index)
{
    cenv_free(index->shards);
    cenv_arena_release(&index->arena);
    *index = (struct cenv_shard_index){.arena = CENV_ARENA_INIT};
}

size_t cenv_shard_index_find(const struct cenv_shard_index *index, struct cenv_str name)
{
    struct cenv_shard key = {.name = name};
    const struct cenv_shard *found =
        index->nr ? bsearch(&key, index->shards, index->nr, sizeof(key), shard_cmp)
                  : NULL;

    return found ? (size_t)(found - index->shards) : index->nr;
}

int cenv_shard_index_unpack_shard(struct cenv_str bytes, struct cenv_str sha256,
                                  struct cenv_buf *out, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];

    if (!cenv_digest_sha256_hex(bytes, hex))
        return cenv_error_set(err, CENV_EFAIL, "cannot compute a digest");
    if (!cenv_str_is(sha256, hex))
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "its SHA-256 is %s, the channel's index says %.*s", hex,
                              CENV_STR_ARG(sha256));
    return unpack_json(bytes, SHARD_UNPACKED, out, err);
}

int cenv_shard_pack(struct cenv_str json, int level, struct cenv_buf *out,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_json *tree = NULL;
    struct cenv_buf packed;
    int rc = cenv_json_parse(&tree, json, "the repodata", err);

    cenv_buf_init(&packed, JSON_TIMES * INDEX_UNPACKED);
    if (rc == 0 && !cenv_msgpack_from_json(tree, &packed))
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_zstd_compress(cenv_buf_str(&packed), level, out, task, err);
    cenv_buf_release(&packed);
    cenv_json_free(tree);
    return rc;
}
