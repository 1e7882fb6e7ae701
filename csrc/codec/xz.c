/* SPDX-License-Identifier: BSD-3-Clause */
#include "codec/xz.h"

#include <lzma.h>

#include "base/alloc.h"
#include "base/error.h"

enum { MEMORY_MAX = 128 << 20 };

struct decoder {
    lzma_stream stream;
    bool open; /* in a stream; else the next call begins one */
};

static void *get_memory(void *opaque, size_t nr, size_t size)
{
    (void)opaque;
    return cenv_reallocarray(NULL, nr, size);
}

static void give_memory(void *opaque, void *block)
{
    (void)opaque;
    cenv_free(block);
}

static const lzma_allocator allocator = {get_memory, give_memory, NULL};

static void *new_decoder(void)
{
    struct decoder *decoder = cenv_calloc(1, sizeof(*decoder));
    if (decoder) {
        decoder->stream = (lzma_stream)LZMA_STREAM_INIT;
        decoder->stream.allocator = &allocator;
    }
    return decoder;
}

static void free_decoder(void *state)
{
    struct decoder *decoder = state;
    if (decoder)
        lzma_end(&decoder->stream);
    cenv_free(decoder);
}

static int decode(void *state, struct cenv_packing_step *step)
{
    struct decoder *decoder = state;
    lzma_stream *stream = &decoder->stream;
    if (!decoder->open && lzma_stream_decoder(stream, MEMORY_MAX, 0) != LZMA_OK)
        return CENV_ENOMEM;
    decoder->open = true;
    stream->next_in = (const uint8_t *)step->in.data;
    stream->avail_in = step->in.len;
    stream->next_out = (uint8_t *)step->out;
    stream->avail_out = step->room;
    lzma_ret rc = lzma_code(stream, LZMA_RUN);
    step->in = cenv_str_slice(step->in, step->in.len - stream->avail_in, step->in.len);
    step->made = step->room - stream->avail_out;
    if (rc == LZMA_MEM_ERROR)
        return CENV_ENOMEM;
    decoder->open = rc != LZMA_STREAM_END;
    if (rc == LZMA_OK || rc == LZMA_BUF_ERROR || rc == LZMA_STREAM_END)
        return rc == LZMA_STREAM_END;
    step->why = rc == LZMA_MEMLIMIT_ERROR ? "it wants too much memory" : "damaged";
    return CENV_EINTEGRITY;
}

const struct cenv_packing cenv_xz = {
    .name = "xz",
    .new_decoder = new_decoder,
    .decode = decode,
    .free_decoder = free_decoder,
};
