/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte streams: spans, and formats of compression from end to end. */
#include "codec/stream.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "codec/bzip2.h"
#include "codec/packing.h"
#include "codec/zstd.h"

enum { BLOCK = 128 << 10 };

static const struct cenv_packing *const packings[] = {
    [CENV_CODEC_ZSTD] = &cenv_zstd,
    [CENV_CODEC_BZIP2] = &cenv_bzip2,
};

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
    return (struct cenv_input){.read = span_read, .ctx = span};
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
    const struct cenv_packing *packing;
    void *state;
    struct cenv_input from;
    struct cenv_str in; /* what is left of the last block */
    uint64_t read;      /* bytes of all blocks */
    uint64_t left;      /* how much may still come out */
    bool in_stream, any_stream, done;
    char block[BLOCK];
};

static int refuse_stream(const struct cenv_decoder *decoder, const char *why,
                         struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "bad %s data: %s (byte %llu)",
                          decoder->packing->name, why,
                          (unsigned long long)(decoder->read - decoder->in.len));
}

/* Fetches the next block when all of the last is used up; `in` stays empty at the end. */
static int fill_input(struct cenv_decoder *decoder, struct cenv_error *err)
{
    const void *data = NULL;
    size_t len = 0;
    int rc = 0;

    if (decoder->in.len == 0) {
        rc = decoder->from.read(decoder->from.ctx, &data, &len, err);
        decoder->in = cenv_str_n(data, len);
        decoder->read += len;
    }
    return rc;
}

/* One step, which may make nothing. */
static int decode_step(struct cenv_decoder *decoder, struct cenv_packing_step *step,
                       struct cenv_error *err)
{
    bool ended = decoder->in.len == 0;
    step->in = decoder->in;
    int rc = decoder->packing->decode(decoder->state, step);
    decoder->in = step->in;
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (rc < 0)
        return refuse_stream(decoder, step->why, err);
    decoder->in_stream = rc == 0;
    decoder->any_stream = true;
    return ended && rc == 0 && step->made == 0
               ? refuse_stream(decoder, "it ends in the middle", err)
               : 0;
}

/* Decodes into `room` until some output, or the end of input at the end of a stream. */
static int decode_block(struct cenv_decoder *decoder, char *room, size_t size,
                        size_t *made, struct cenv_error *err)
{
    struct cenv_packing_step step = {.out = room, .room = size};
    int rc = 0;

    while (rc == 0 && step.made == 0 && !decoder->done) {
        rc = fill_input(decoder, err);
        if (rc < 0)
            return rc;
        decoder->done = decoder->in.len == 0 && !decoder->in_stream;
        if (!decoder->done)
            rc = decode_step(decoder, &step, err);
        else if (!decoder->any_stream)
            rc = refuse_stream(decoder, "it is empty", err);
    }
    *made = step.made;
    return rc;
}

static int decoder_fill(void *ctx, char *room, size_t size, size_t *len,
                        struct cenv_error *err)
{
    struct cenv_decoder *decoder = ctx;
    size_t made;
    int rc = decode_block(decoder, room, size, &made, err);

    if (rc < 0)
        return rc;
    if (made > decoder->left)
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "it expands to more than is allowed");
    decoder->left -= made;
    *len = made;
    return 0;
}

static int decoder_read(void *ctx, const void **data, size_t *len,
                        struct cenv_error *err)
{
    struct cenv_decoder *decoder = ctx;
    int rc = decoder_fill(decoder, decoder->block, BLOCK, len, err);

    if (rc == 0)
        *data = decoder->block;
    return rc;
}

int cenv_decoder_new(struct cenv_decoder **out, enum cenv_codec codec,
                     struct cenv_input from, uint64_t max_out, struct cenv_error *err)
{
    struct cenv_decoder *decoder = cenv_malloc(sizeof(*decoder));

    if (!decoder)
        return cenv_error_oom(err);
    memset(decoder, 0, offsetof(struct cenv_decoder, block));
    decoder->packing = packings[codec];
    decoder->from = from;
    decoder->left = max_out;
    decoder->state = decoder->packing->new_decoder();
    if (!decoder->state) {
        cenv_free(decoder);
        return cenv_error_oom(err);
    }
    *out = decoder;
    return 0;
}

void cenv_decoder_free(struct cenv_decoder *decoder)
{
    if (decoder)
        decoder->packing->free_decoder(decoder->state);
    cenv_free(decoder);
}

struct cenv_input cenv_input_decoder(struct cenv_decoder *decoder)
{
    return (struct cenv_input){decoder_read, decoder, decoder_fill};
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

/* ---- encoding ---- */

struct cenv_encoder {
    const struct cenv_packing *packing;
    void *state;
    struct cenv_output to;
    char block[BLOCK];
};

int cenv_encoder_new(struct cenv_encoder **out, enum cenv_codec codec, int level,
                     struct cenv_output to, struct cenv_error *err)
{
    struct cenv_encoder *encoder = cenv_malloc(sizeof(*encoder));

    if (!encoder)
        return cenv_error_oom(err);
    encoder->packing = packings[codec];
    encoder->to = to;
    encoder->state = encoder->packing->new_encoder(level);
    if (!encoder->state) {
        cenv_free(encoder);
        return cenv_error_oom(err);
    }
    *out = encoder;
    return 0;
}

/* Feeds all of step->in, and hands on what comes out; when it is the last, all. */
static int encode_steps(struct cenv_encoder *encoder, struct cenv_packing_step *step,
                        struct cenv_error *err)
{
    int rc = 0, written = 0;

    step->out = encoder->block;
    step->room = BLOCK;
    while (rc == 0 && written == 0 && (step->in.len || step->last)) {
        rc = encoder->packing->encode(encoder->state, step);
        if (rc >= 0 && step->made)
            written = encoder->to.write(encoder->to.ctx, step->out, step->made, err);
    }
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    return rc < 0 ? cenv_error_set(err, rc, "cannot compress: %s", step->why) : written;
}

int cenv_encoder_write(struct cenv_encoder *encoder, const void *data, size_t len,
                       struct cenv_error *err)
{
    struct cenv_packing_step step = {.in = cenv_str_n(data, len)};
    return encode_steps(encoder, &step, err);
}

int cenv_encoder_write_polled(struct cenv_encoder *encoder, struct cenv_str data,
                              struct cenv_task *task, struct cenv_error *err)
{
    int rc = 0;
    for (size_t from = 0; from < data.len && rc == 0; from += CENV_PACKING_PART) {
        struct cenv_packing_step step = {
            .in = cenv_str_slice(data, from, from + CENV_PACKING_PART)};
        step.flush = step.in.len == CENV_PACKING_PART;
        rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = encode_steps(encoder, &step, err);
    }
    return rc;
}

int cenv_encoder_finish(struct cenv_encoder *encoder, struct cenv_error *err)
{
    struct cenv_packing_step step = {.last = true};
    return encode_steps(encoder, &step, err);
}

void cenv_encoder_free(struct cenv_encoder *encoder)
{
    if (encoder)
        encoder->packing->free_encoder(encoder->state);
    cenv_free(encoder);
}
