/* SPDX-License-Identifier: BSD-3-Clause */
#include "codec/bzip2.h"

#include <bzlib.h>

#include "base/alloc.h"
#include "base/error.h"

struct decoder {
    bz_stream stream;
    bool open; /* in a stream; else the next call begins one */
};

static void *get_memory(void *opaque, int nr, int size)
{
    (void)opaque;
    return nr < 0 || size < 0 ? NULL
                              : cenv_reallocarray(NULL, (size_t)nr, (size_t)size);
}

static void give_memory(void *opaque, void *block)
{
    (void)opaque;
    cenv_free(block);
}

/* The library's fields take no const, and write to no input. */
static void begin_step(bz_stream *stream, struct cenv_packing_step *step)
{
    union {
        const char *data;
        char *in;
    } place = {.data = step->in.data};
    stream->next_in = place.in;
    stream->avail_in = cenv_packing_part(step->in.len);
    stream->next_out = step->out;
    stream->avail_out = cenv_packing_part(step->room);
}

static void end_step(const bz_stream *stream, struct cenv_packing_step *step)
{
    size_t used = cenv_packing_part(step->in.len) - stream->avail_in;
    step->in = cenv_str_slice(step->in, used, step->in.len);
    step->made = cenv_packing_part(step->room) - stream->avail_out;
}

static void *new_decoder(void)
{
    struct decoder *decoder = cenv_calloc(1, sizeof(*decoder));
    if (decoder) {
        decoder->stream.bzalloc = get_memory;
        decoder->stream.bzfree = give_memory;
    }
    return decoder;
}

static void close_stream(struct decoder *decoder)
{
    if (decoder->open)
        BZ2_bzDecompressEnd(&decoder->stream);
    decoder->open = false;
}

static void free_decoder(void *state)
{
    if (state)
        close_stream(state);
    cenv_free(state);
}

static int decode(void *state, struct cenv_packing_step *step)
{
    struct decoder *decoder = state;
    if (!decoder->open && BZ2_bzDecompressInit(&decoder->stream, 0, 0) != BZ_OK)
        return CENV_ENOMEM;
    decoder->open = true;
    begin_step(&decoder->stream, step);
    int rc = BZ2_bzDecompress(&decoder->stream);
    end_step(&decoder->stream, step);
    if (rc == BZ_STREAM_END)
        close_stream(decoder);
    if (rc == BZ_MEM_ERROR)
        return CENV_ENOMEM;
    if (rc == BZ_OK || rc == BZ_STREAM_END)
        return rc == BZ_STREAM_END;
    step->why =
        rc == BZ_DATA_ERROR_MAGIC ? "it does not start as bzip2 does" : "damaged";
    return CENV_EINTEGRITY;
}

static void *new_encoder(int level)
{
    bz_stream *stream = cenv_calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->bzalloc = get_memory;
    stream->bzfree = give_memory;
    if (BZ2_bzCompressInit(stream, level, 0, 0) == BZ_OK)
        return stream;
    cenv_free(stream);
    return NULL;
}

static void free_encoder(void *state)
{
    if (state)
        BZ2_bzCompressEnd(state);
    cenv_free(state);
}

static int encode(void *state, struct cenv_packing_step *step)
{
    begin_step(state, step);
    int rc = BZ2_bzCompress(state, step->last ? BZ_FINISH : BZ_RUN);
    end_step(state, step);
    if (rc == BZ_RUN_OK || rc == BZ_FINISH_OK || rc == BZ_STREAM_END)
        return rc == BZ_STREAM_END;
    step->why = "bzip2 failed";
    return CENV_EFAIL;
}

const struct cenv_packing cenv_bzip2 = {
    "bzip2", new_decoder, decode, free_decoder, new_encoder, encode, free_encoder,
};
