/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte streams: spans, zstd by libzstd, bzip2 by libarchive with that one filter and format
 * "raw". */
#include "codec/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"

/* libarchive crashes, or exits, when a small allocation of its fails, and has nothing to hook
 * into: this much must be at hand before it is called to make something. */
enum { BLOCK = 128 << 10, WINDOW_LOG_MAX = 27, LIBARCHIVE_ROOM = 1 << 20 };

/* ---- memory ---- */

static int span_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct cenv_str *span = ctx;

    (void)err;
    *data = span->data;
    *len = span->len;
    *span = cenv_str_slice(*span, span->len, span->len);
    return 0;
}

struct cenv_input cenv_input_span(struct cenv_str *span)
{
    return (struct cenv_input){span_read, span};
}

static int buf_write(void *ctx, const void *data, size_t len, struct cenv_error *err)
{
    struct cenv_buf *buf = ctx;

    if (buf->len + len > buf->max)
        return cenv_error_set(err, CENV_EINTEGRITY, "more than %zu bytes", buf->max);
    return cenv_buf_add(buf, data, len) ? 0 : cenv_error_oom(err);
}

struct cenv_output cenv_output_buf(struct cenv_buf *buf)
{
    return (struct cenv_output){buf_write, buf};
}

/* ---- decoding ---- */

struct cenv_decoder {
    enum cenv_codec codec;
    struct cenv_input from;
    uint64_t left; /* how much may still come out */
    bool done;

    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    bool in_frame, any_frame;
    char *block; /* zstd's output */

    struct archive *bzip2;
    uint64_t fed;           /* bytes read, handed to zstd or libarchive */
    struct cenv_error *err; /* of the read that runs now: the callback's way out */
    int rc;
};

static int bad_stream(const char *codec, const char *why, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "bad %s data: %s", codec, why);
}

/* Fetches the next input when all of the last is used up; sets in.size 0 at the end. */
static int zstd_fill(struct cenv_decoder *decoder, struct cenv_error *err)
{
    const void *data = NULL;
    size_t len = 0;
    int rc;

    if (decoder->in.pos < decoder->in.size)
        return 0;
    rc = decoder->from.read(decoder->from.ctx, &data, &len, err);
    if (rc == 0)
        decoder->in = (ZSTD_inBuffer){data, len, 0};
    decoder->fed += rc == 0 ? len : 0;
    return rc;
}

static int bad_zstd(const struct cenv_decoder *decoder, const char *why,
                    struct cenv_error *err)
{
    uint64_t at = decoder->fed - (decoder->in.size - decoder->in.pos);

    return cenv_error_set(err, CENV_EINTEGRITY, "bad zstd data: %s (byte %llu)", why,
                          (unsigned long long)at);
}

static int zstd_error(const struct cenv_decoder *decoder, size_t code,
                      struct cenv_error *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return cenv_error_oom(err);
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "bad zstd data: window too large (over 2^%d)",
                              WINDOW_LOG_MAX);
    return bad_zstd(decoder, ZSTD_getErrorName(code), err);
}

/* Decodes until some output, or the end of input at the end of a frame. */
static int zstd_read(struct cenv_decoder *decoder, const void **data, size_t *len,
                     struct cenv_error *err)
{
    ZSTD_outBuffer out = {decoder->block, BLOCK, 0};

    while (out.pos == 0) {
        size_t before, left;
        int rc = zstd_fill(decoder, err);
        if (rc < 0)
            return rc;
        before = decoder->in.pos;
        if (decoder->in.size == 0 && !decoder->in_frame) {
            decoder->done = true;
            return decoder->any_frame ? 0 : bad_stream("zstd", "it is empty", err);
        }
        left = ZSTD_decompressStream(decoder->zstd, &out, &decoder->in);
        if (ZSTD_isError(left))
            return zstd_error(decoder, left, err);
        if (decoder->in.size == 0 && out.pos == 0 && left > 0)
            return bad_zstd(decoder, "it ends in the middle", err);
        decoder->in_frame = left > 0;
        decoder->any_frame |= decoder->in.pos > before;
    }
    *data = out.dst;
    *len = out.pos;
    return 0;
}

static la_ssize_t bzip2_pull(struct archive *archive, void *ctx, const void **data)
{
    struct cenv_decoder *decoder = ctx;
    size_t len = 0;

    decoder->rc = decoder->from.read(decoder->from.ctx, data, &len, decoder->err);
    if (decoder->rc < 0) {
        archive_set_error(archive, -1, "input failed");
        return -1;
    }
    decoder->fed += len;
    cenv_alloc_watch();
    return (la_ssize_t)len;
}

static int bzip2_error(struct cenv_decoder *decoder, struct cenv_error *err)
{
    bool no_memory = cenv_alloc_failed();
    const char *why = archive_error_string(decoder->bzip2);

    if (decoder->rc < 0)
        return decoder->rc;
    return no_memory ? cenv_error_oom(err)
                     : bad_stream("bzip2", why ? why : "damaged", err);
}

static int bzip2_open(struct cenv_decoder *decoder, struct cenv_error *err)
{
    struct archive_entry *entry;

    if (!cenv_alloc_has(LIBARCHIVE_ROOM))
        return cenv_error_oom(err);
    struct archive *bzip2 = archive_read_new();

    cenv_alloc_watch();
    decoder->bzip2 = bzip2;
    if (!bzip2)
        return cenv_error_oom(err);
    decoder->err = err;
    if (archive_read_support_filter_bzip2(bzip2) != ARCHIVE_OK ||
        archive_read_support_format_raw(bzip2) != ARCHIVE_OK ||
        archive_read_open(bzip2, decoder, NULL, bzip2_pull, NULL) != ARCHIVE_OK ||
        archive_read_next_header(bzip2, &entry) != ARCHIVE_OK)
        return bzip2_error(decoder, err);
    if (archive_filter_code(bzip2, 0) != ARCHIVE_FILTER_BZIP2)
        return bad_stream("bzip2", "it does not start as bzip2 does", err);
    return 0;
}

/* libarchive stops silently before what is no further stream: look whether input is left. */
static int bzip2_end(struct cenv_decoder *decoder, struct cenv_error *err)
{
    const void *data = NULL;
    size_t len = 0;
    int rc = decoder->from.read(decoder->from.ctx, &data, &len, err);

    if (rc == 0 &&
        (len > 0 || (uint64_t)archive_filter_bytes(decoder->bzip2, -1) < decoder->fed))
        rc = bad_stream("bzip2", "more bytes behind its end", err);
    decoder->done = true;
    return rc;
}

static int bzip2_read(struct cenv_decoder *decoder, const void **data, size_t *len,
                      struct cenv_error *err)
{
    la_int64_t offset;
    int rc;

    decoder->err = err;
    if (!decoder->bzip2) {
        rc = bzip2_open(decoder, err);
        if (rc < 0)
            return rc;
    }
    cenv_alloc_watch();
    rc = archive_read_data_block(decoder->bzip2, data, len, &offset);
    if (rc == ARCHIVE_EOF) {
        *len = 0;
        return bzip2_end(decoder, err);
    }
    return rc == ARCHIVE_OK ? 0 : bzip2_error(decoder, err);
}

static int decoder_read(void *ctx, const void **data, size_t *len,
                        struct cenv_error *err)
{
    struct cenv_decoder *decoder = ctx;
    const void *block = "";
    size_t size = 0;
    int rc = 0;

    if (!decoder->done)
        rc = decoder->codec == CENV_CODEC_ZSTD
                 ? zstd_read(decoder, &block, &size, err)
                 : bzip2_read(decoder, &block, &size, err);
    if (rc < 0)
        return rc;
    if (size > decoder->left)
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "it expands to more than is allowed");
    decoder->left -= size;
    *data = block;
    *len = size;
    return 0;
}

static int zstd_decoder_init(struct cenv_decoder *decoder, struct cenv_error *err)
{
    decoder->zstd = ZSTD_createDCtx();
    decoder->block = cenv_malloc(BLOCK);
    if (!decoder->zstd || !decoder->block)
        return cenv_error_oom(err);
    ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return 0;
}

int cenv_decoder_new(struct cenv_decoder **out, enum cenv_codec codec,
                     struct cenv_input from, uint64_t max_out, struct cenv_error *err)
{
    struct cenv_decoder *decoder = cenv_calloc(1, sizeof(*decoder));
    int rc = 0;

    if (!decoder)
        return cenv_error_oom(err);
    decoder->codec = codec;
    decoder->from = from;
    decoder->left = max_out;
    if (codec == CENV_CODEC_ZSTD)
        rc = zstd_decoder_init(decoder, err);
    if (rc < 0)
        cenv_decoder_free(decoder);
    else
        *out = decoder;
    return rc;
}

void cenv_decoder_free(struct cenv_decoder *decoder)
{
    if (!decoder)
        return;
    ZSTD_freeDCtx(decoder->zstd);
    cenv_free(decoder->block);
    archive_read_free(decoder->bzip2);
    cenv_free(decoder);
}

struct cenv_input cenv_input_decoder(struct cenv_decoder *decoder)
{
    return (struct cenv_input){decoder_read, decoder};
}

int cenv_decode(enum cenv_codec codec, struct cenv_str in, struct cenv_buf *out,
                struct cenv_error *err)
{
    struct cenv_decoder *decoder = NULL;
    size_t len = 1;
    int rc = cenv_decoder_new(&decoder, codec, cenv_input_span(&in),
                              out->max - out->len, err);

    while (rc == 0 && len > 0) {
        const void *data = NULL;
        rc = decoder_read(decoder, &data, &len, err);
        if (rc == 0)
            rc = buf_write(out, data, len, err);
    }
    cenv_decoder_free(decoder);
    return rc;
}

/* ---- looking into files ---- */

struct cenv_unpacker {
    struct archive *archive;
    uint64_t left;
    bool in_member, full;
};

static int unpack_error(const struct cenv_unpacker *u, struct cenv_error *err)
{
    bool no_memory = cenv_alloc_failed();
    const char *why = archive_error_string(u->archive);
    return no_memory ? cenv_error_oom(err)
                     : bad_stream("packed", why ? why : "it is not readable", err);
}

static int unpacker_read(void *ctx, const void **data, size_t *len,
                         struct cenv_error *err)
{
    struct cenv_unpacker *u = ctx;
    struct archive_entry *entry;
    la_int64_t offset;
    int rc = ARCHIVE_OK;

    cenv_alloc_watch();
    for (*len = 0; rc == ARCHIVE_OK && *len == 0;) {
        if (!u->in_member) {
            rc = archive_read_next_header(u->archive, &entry);
            if (rc == ARCHIVE_EOF)
                return 0;
            u->in_member = rc == ARCHIVE_OK;
            continue;
        }
        rc = archive_read_data_block(u->archive, data, len, &offset);
        if (rc != ARCHIVE_EOF)
            continue;
        rc = ARCHIVE_OK;
        u->in_member = false;
        *len = 0;
    }
    if (rc != ARCHIVE_OK)
        return unpack_error(u, err);
    u->full = *len > u->left;
    u->left -= u->full ? 0 : *len;
    return u->full ? bad_stream("packed", "it expands to more than is allowed", err)
                   : 0;
}

static void support_filters(struct archive *archive)
{
    static int (*const filters[])(struct archive *) = {
        archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
        archive_read_support_filter_xz, archive_read_support_filter_zstd};

    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        filters[i](archive);
    archive_read_support_format_zip_streamable(archive);
    archive_read_support_format_raw(archive);
}

int cenv_unpacker_new(struct cenv_unpacker **out, int fd, uint64_t max_out,
                      struct cenv_error *err)
{
    struct cenv_unpacker *u = cenv_calloc(1, sizeof(*u));
    int rc = 0;

    if (!u)
        return cenv_error_oom(err);
    u->left = max_out;
    u->archive = cenv_alloc_has(LIBARCHIVE_ROOM) ? archive_read_new() : NULL;
    if (!u->archive) {
        cenv_unpacker_free(u);
        return cenv_error_oom(err);
    }
    cenv_alloc_watch();
    support_filters(u->archive);
    if (archive_read_open_fd(u->archive, fd, BLOCK) != ARCHIVE_OK)
        rc = unpack_error(u, err);
    if (rc < 0)
        cenv_unpacker_free(u);
    else
        *out = u;
    return rc;
}

void cenv_unpacker_free(struct cenv_unpacker *u)
{
    if (!u)
        return;
    archive_read_free(u->archive);
    cenv_free(u);
}

struct cenv_input cenv_input_unpacker(struct cenv_unpacker *u)
{
    return (struct cenv_input){unpacker_read, u};
}

bool cenv_unpacker_full(const struct cenv_unpacker *u)
{
    return u->full;
}

/* ---- encoding ---- */

struct cenv_encoder {
    struct cenv_output to;
    ZSTD_CCtx *zstd;
    char *block;
    struct archive *bzip2;
    struct cenv_error *err; /* of the write that runs now */
    int rc;
};

static la_ssize_t bzip2_push(struct archive *archive, void *ctx, const void *data,
                             size_t len)
{
    struct cenv_encoder *encoder = ctx;

    encoder->rc = encoder->to.write(encoder->to.ctx, data, len, encoder->err);
    if (encoder->rc < 0) {
        archive_set_error(archive, -1, "output failed");
        return -1;
    }
    return (la_ssize_t)len;
}

static int bzip2_fail(struct cenv_encoder *encoder, struct cenv_error *err)
{
    bool no_memory = cenv_alloc_failed();
    const char *why = archive_error_string(encoder->bzip2);

    if (encoder->rc < 0)
        return encoder->rc;
    if (no_memory)
        return cenv_error_oom(err);
    return cenv_error_set(err, CENV_EFAIL, "cannot compress: %s",
                          why ? why : "bzip2 failed");
}

static int bzip2_encoder_init(struct cenv_encoder *encoder, int level,
                              struct cenv_error *err)
{
    if (!cenv_alloc_has(LIBARCHIVE_ROOM))
        return cenv_error_oom(err);
    struct archive_entry *entry = archive_entry_new();
    struct archive *bzip2 = archive_write_new();
    char text[12];
    bool ok;

    encoder->bzip2 = bzip2;
    encoder->err = err;
    cenv_alloc_watch();
    if (!entry || !bzip2) {
        archive_entry_free(entry);
        return cenv_error_oom(err);
    }
    snprintf(text, sizeof(text), "%d", level);
    archive_entry_set_filetype(entry, AE_IFREG);
    ok = archive_write_add_filter_bzip2(bzip2) == ARCHIVE_OK &&
         archive_write_set_filter_option(bzip2, "bzip2", "compression-level", text) ==
             ARCHIVE_OK &&
         archive_write_set_format_raw(bzip2) == ARCHIVE_OK &&
         archive_write_set_bytes_per_block(bzip2, 0) == ARCHIVE_OK &&
         archive_write_open(bzip2, encoder, NULL, bzip2_push, NULL) == ARCHIVE_OK &&
         archive_write_header(bzip2, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return ok ? 0 : bzip2_fail(encoder, err);
}

static int zstd_encoder_init(struct cenv_encoder *encoder, int level,
                             struct cenv_error *err)
{
    encoder->zstd = ZSTD_createCCtx();
    encoder->block = cenv_malloc(BLOCK);
    if (!encoder->zstd || !encoder->block)
        return cenv_error_oom(err);
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_checksumFlag, 1);
    return 0;
}

int cenv_encoder_new(struct cenv_encoder **out, enum cenv_codec codec, int level,
                     struct cenv_output to, struct cenv_error *err)
{
    struct cenv_encoder *encoder = cenv_calloc(1, sizeof(*encoder));
    int rc;

    if (!encoder)
        return cenv_error_oom(err);
    encoder->to = to;
    rc = codec == CENV_CODEC_ZSTD ? zstd_encoder_init(encoder, level, err)
                                  : bzip2_encoder_init(encoder, level, err);
    if (rc < 0)
        cenv_encoder_free(encoder);
    else
        *out = encoder;
    return rc;
}

/* Feeds `in` and hands on what comes out, until `mode` is satisfied. */
static int zstd_step(struct cenv_encoder *encoder, struct cenv_str bytes,
                     ZSTD_EndDirective mode, struct cenv_error *err)
{
    ZSTD_inBuffer in = {bytes.data, bytes.len, 0};
    size_t left;
    int rc = 0;

    do {
        ZSTD_outBuffer out = {encoder->block, BLOCK, 0};
        left = ZSTD_compressStream2(encoder->zstd, &out, &in, mode);
        if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
            return cenv_error_oom(err);
        if (ZSTD_isError(left))
            return cenv_error_set(err, CENV_EFAIL, "cannot compress: %s",
                                  ZSTD_getErrorName(left));
        if (out.pos > 0)
            rc = encoder->to.write(encoder->to.ctx, out.dst, out.pos, err);
    } while (rc == 0 && (in.pos < in.size || (mode == ZSTD_e_end && left > 0)));
    return rc;
}

int cenv_encoder_write(struct cenv_encoder *encoder, const void *data, size_t len,
                       struct cenv_error *err)
{
    if (encoder->zstd)
        return zstd_step(encoder, cenv_str_n(data, len), ZSTD_e_continue, err);
    encoder->err = err;
    cenv_alloc_watch();
    return archive_write_data(encoder->bzip2, data, len) == (la_ssize_t)len
               ? 0
               : bzip2_fail(encoder, err);
}

int cenv_encoder_finish(struct cenv_encoder *encoder, struct cenv_error *err)
{
    if (encoder->zstd)
        return zstd_step(encoder, CENV_STR(""), ZSTD_e_end, err);
    encoder->err = err;
    cenv_alloc_watch();
    return archive_write_close(encoder->bzip2) == ARCHIVE_OK ? 0
                                                             : bzip2_fail(encoder, err);
}

void cenv_encoder_free(struct cenv_encoder *encoder)
{
    struct cenv_error ignored = CENV_ERROR_INIT;

    if (!encoder)
        return;
    ZSTD_freeCCtx(encoder->zstd);
    cenv_free(encoder->block);
    encoder->err = &ignored; /* libarchive flushes what is left */
    archive_write_free(encoder->bzip2);
    cenv_free(encoder);
}

int cenv_zstd_compress(struct cenv_str in, int level, struct cenv_buf *out,
                       struct cenv_error *err)
{
    size_t bound = ZSTD_compressBound(in.len), len;
    char *room = cenv_buf_reserve(out, bound);

    if (!room)
        return cenv_error_oom(err);
    len = ZSTD_compress(room, bound, in.data, in.len, level);
    if (ZSTD_isError(len))
        return cenv_error_set(err, CENV_EFAIL, "cannot compress: %s",
                              ZSTD_getErrorName(len));
    out->len += len;
    out->data[out->len] = '\0';
    return 0;
}
