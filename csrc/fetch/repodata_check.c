/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole file is read once, and hashed on the way: see repodata_check.h. */
#include "fetch/repodata_check.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/limits.h"
#include "codec/stream.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "repodata/shard_index.h"

enum { BLOCK = 256 << 10 };

struct check {
    int fd;
    uint64_t offset;
    char *block;
    struct cenv_digest *digest;
    char first, last; /* of the JSON, blanks apart */
};

static int read_block(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct check *check = ctx;
    int64_t got = cenv_raw_pread(check->fd, check->block, BLOCK, check->offset);

    if (got < 0)
        return cenv_fs_fail(err, (int)got, check->fd, NULL, "cannot read");
    cenv_digest_update(check->digest, check->block, (size_t)got);
    check->offset += (uint64_t)got;
    *data = check->block;
    *len = (size_t)got;
    return 0;
}

/* An index of shards is small enough to be read whole. */
static int check_shards(struct check *check, const struct cenv_subdir_fetch *subdir,
                        struct cenv_error *err)
{
    struct cenv_shard_index index;
    struct cenv_str url = cenv_secret_url_text(subdir->url);
    struct cenv_str name = cenv_str_slice(url, cenv_str_rfind(url, '/') + 1, url.len);
    struct cenv_mapping map;
    struct cenv_str bytes;
    int rc = cenv_raw_map_fd(check->fd, &map);

    if (rc < 0)
        return cenv_fs_fail(err, rc, check->fd, NULL, "cannot read");
    bytes = cenv_str_n(map.data, map.len);
    cenv_digest_update(check->digest, bytes.data, bytes.len);
    rc = cenv_shard_index_read(
        &index, bytes, cenv_subdir_fetch_form(CENV_SUBDIR_SHARDS)->fn, name, err);
    if (rc == 0)
        cenv_shard_index_release(&index);
    cenv_mapping_release(&map);
    return rc;
}

/* Reads all of it, through the decoder, looking for a '{' at its begin and a '}' at its end. */
static int read_through(struct check *check, struct cenv_input in,
                        struct cenv_task *task, struct cenv_error *err)
{
    const void *data;
    size_t len = 1;
    int rc = 0;

    while (rc == 0 && len > 0) {
        rc = in.read(in.ctx, &data, &len, err);
        struct cenv_str text = cenv_str_trim(cenv_str_n(data, rc == 0 ? len : 0));
        if (text.len && !check->first)
            check->first = text.data[0];
        if (text.len)
            check->last = text.data[text.len - 1];
        if (rc == 0)
            rc = cenv_task_poll(task, err);
    }
    if (rc == 0 && check->first != '{')
        rc = cenv_error_set(err, CENV_ECHANNEL, "it is not JSON");
    if (rc == 0 && check->last != '}')
        rc = cenv_error_set(err, CENV_EINTEGRITY, "its JSON is cut short");
    return rc;
}

static void name_source(const struct cenv_subdir_fetch *subdir, struct cenv_error *err)
{
    cenv_error_prefix(err, "bad repodata from %s",
                      cenv_secret_url_text(subdir->target).data);
    cenv_error_hint(err, "try again; if it stays so, tell the channel's owner");
}

static int check_stream(struct cenv_repodata_fetch *r,
                        const struct cenv_subdir_fetch *subdir, struct check *check)
{
    struct cenv_input in = {.read = read_block, .ctx = check};
    struct cenv_decoder *decoder = NULL;
    int rc = 0;

    if (subdir->form == CENV_SUBDIR_ZST) {
        rc = cenv_decoder_new(&decoder, CENV_CODEC_ZSTD, in,
                              cenv_limits_repodata(subdir->transfer.reply.received),
                              r->err);
        in = cenv_input_decoder(decoder);
    }
    if (rc == 0 && subdir->form == CENV_SUBDIR_SHARDS)
        rc = check_shards(check, subdir, r->err);
    else if (rc == 0)
        rc = read_through(check, in, r->task, r->err);
    cenv_decoder_free(decoder);
    if (rc == CENV_EINTEGRITY || rc == CENV_ECHANNEL)
        name_source(subdir, r->err);
    return rc;
}

int cenv_repodata_check(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir)
{
    struct check check = {
        .fd = cenv_fs_open_file(r->scratch.fd, subdir->file, NULL, r->err)};

    if (check.fd < 0)
        return check.fd;
    check.block = cenv_malloc(BLOCK);
    check.digest = cenv_digest_new(CENV_SHA256);
    int rc = check.block && check.digest ? check_stream(r, subdir, &check)
                                         : cenv_error_oom(r->err);
    if (rc == 0 && !cenv_digest_hex(check.digest, subdir->identity))
        rc = cenv_error_set(r->err, CENV_EFAIL, "cannot compute a digest");
    cenv_digest_free(check.digest);
    cenv_free(check.block);
    cenv_fd_close(check.fd);
    return rc;
}
