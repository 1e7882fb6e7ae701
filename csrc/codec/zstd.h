/* SPDX-License-Identifier: BSD-3-Clause */
/* zstd: the only user of libzstd. */
#ifndef CENV_CODEC_ZSTD_H
#define CENV_CODEC_ZSTD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "codec/packing.h"

/* Windows up to 2^27 (docs/design/extract.md 1.1); skippable frames are streams that make nothing.
 * A frame that is written ends with a checksum of its content. Levels 1..22. */
extern const struct cenv_packing cenv_zstd;

/* What a frame begins with (RFC 8878, 3.1.1). */
#define CENV_ZSTD_MAGIC "\x28\xb5\x2f\xfd"

/* Compresses a span into one frame that states its content size, appending to `out`.
 * CENV_ECANCELLED: nothing is appended. */
int cenv_zstd_compress(struct cenv_str in, int level, struct cenv_buf *out,
                       struct cenv_task *task, struct cenv_error *err);

#endif
