/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as the letters of base64 (RFC 4648, 4), and back. */
#ifndef CENV_CODEC_BASE64_H
#define CENV_CODEC_BASE64_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Appends, with "=" at the end; false when the buffer failed. */
bool cenv_base64_encode(struct cenv_buf *out, struct cenv_str data);

/* Appends the bytes of `text`, with or without "=" at its end; false also when it is none. */
bool cenv_base64_decode(struct cenv_buf *out, struct cenv_str text);

#endif
