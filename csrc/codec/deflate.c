/* SPDX-License-Identifier: BSD-3-Clause */
#include "codec/deflate.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"

/* What zlib calls window bits: the largest window, and what is around the data. */
enum { WINDOW = 15, GZIP = 16 };

static void *get_memory(void *opaque, unsigned nr, unsigned size)
{
    (void)opaque;
    return cenv_reallocarray(NULL, nr, size);
}

static void give_memory(void *opaque, void *block)
{
    (void)opaque;
    cenv_free(block);
}

static void *new_decoder(int window)
{
    z_stream *stream = cenv_calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->zalloc = get_memory;
    stream->zfree = give_memory;
    if (inflateInit2(stream, window) == Z_OK)
        return stream;
    cenv_free(stream);
    return NULL;
}

static void *new_gzip(void)
{
    return new_decoder(WINDOW + GZIP);
}

static void *new_bare(void)
{
    return new_decoder(-WINDOW);
}

static void free_decoder(void *state)
{
    if (state)
        inflateEnd(state);
    cenv_free(state);
}

static int decode(void *state, struct cenv_packing_step *step)
{
    z_stream *stream = state;
    stream->next_in = (const unsigned char *)step->in.data;
    stream->avail_in = cenv_packing_part(step->in.len);
    stream->next_out = (unsigned char *)step->out;
    stream->avail_out = cenv_packing_part(step->room);
    int rc = inflate(stream, Z_NO_FLUSH);
    size_t used = cenv_packing_part(step->in.len) - stream->avail_in;
    step->in = cenv_str_slice(step->in, used, step->in.len);
    step->made = cenv_packing_part(step->room) - stream->avail_out;
    if (rc == Z_MEM_ERROR)
        return CENV_ENOMEM;
    if (rc == Z_STREAM_END)
        inflateReset(stream);
    if (rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END)
        return rc == Z_STREAM_END;
    step->why = stream->msg ? stream->msg : "damaged";
    return CENV_EINTEGRITY;
}

const struct cenv_packing cenv_deflate_gzip = {
    .name = "gzip",
    .new_decoder = new_gzip,
    .decode = decode,
    .free_decoder = free_decoder,
};
const struct cenv_packing cenv_deflate_bare = {
    .name = "deflate",
    .new_decoder = new_bare,
    .decode = decode,
    .free_decoder = free_decoder,
};
