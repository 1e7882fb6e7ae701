/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte streams, compressed and not. */
#ifndef CENV_CODEC_STREAM_H
#define CENV_CODEC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

/*
 * Where bytes come from. `read` gives the next block in *data, valid until the next call, with
 * *len 0 at the end (and from then on); 0 or a status with err set. An input is borrowed by what
 * reads from it and must outlive that. One thread at a time. `fill` is NULL, or does the same into
 * memory of the reader's, `size` bytes at most: what is to be kept need not be copied then.
 */
struct cenv_input {
    int (*read)(void *ctx, const void **data, size_t *len, struct cenv_error *err);
    void *ctx;
    int (*fill)(void *ctx, char *room, size_t size, size_t *len,
                struct cenv_error *err);
};

/* Where bytes go: takes all of them, or fails. */
struct cenv_output {
    int (*write)(void *ctx, const void *data, size_t len, struct cenv_error *err);
    void *ctx;
};

/* Bytes in memory: `span` is consumed as it is read, and must outlive the input. */
struct cenv_input cenv_input_span(struct cenv_str *span);

/* Appends to a buffer, up to its ceiling. */
struct cenv_output cenv_output_buf(struct cenv_buf *buf);

enum cenv_codec { CENV_CODEC_ZSTD, CENV_CODEC_BZIP2 };

/*
 * Decompression, itself an input. zstd: any number of frames, skippable ones too, windows up to
 * 2^27 (docs/design/extract.md 1.1); bzip2: any number of streams. CENV_EINTEGRITY for more than
 * `max_out` bytes, a stream that is empty, truncated or damaged, and other bytes behind its end.
 */
struct cenv_decoder;
int cenv_decoder_new(struct cenv_decoder **out, enum cenv_codec codec,
                     struct cenv_input from, uint64_t max_out, struct cenv_error *err);
void cenv_decoder_free(struct cenv_decoder *decoder); /* NULL is fine */
struct cenv_input cenv_input_decoder(struct cenv_decoder *decoder);

/* Decompresses a whole span, appending to `out`; more than its ceiling is an error. */
int cenv_decode(enum cenv_codec codec, struct cenv_str in, struct cenv_buf *out,
                struct cenv_error *err);

/*
 * Compression into an output; level as zstd's 1..22 (3: fast, 19: conda-build's) or bzip2's 1..9.
 * Write any number of times, then finish once. Deterministic for one version of the library.
 */
struct cenv_encoder;
int cenv_encoder_new(struct cenv_encoder **out, enum cenv_codec codec, int level,
                     struct cenv_output to, struct cenv_error *err);
int cenv_encoder_write(struct cenv_encoder *encoder, const void *data, size_t len,
                       struct cenv_error *err);
/* The same, a part at a time: at high levels a megabyte takes a second. Interruptible. */
int cenv_encoder_write_polled(struct cenv_encoder *encoder, struct cenv_str data,
                              struct cenv_task *task, struct cenv_error *err);
int cenv_encoder_finish(struct cenv_encoder *encoder, struct cenv_error *err);
void cenv_encoder_free(struct cenv_encoder *encoder); /* NULL is fine */

#endif
