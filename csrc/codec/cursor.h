/* SPDX-License-Identifier: BSD-3-Clause */
/* A place in an input, for parsers of formats that are read front to back. */
#ifndef CENV_CODEC_CURSOR_H
#define CENV_CODEC_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/stream.h"

struct cenv_cursor {
    struct cenv_input from;
    const char *data; /* what is left of the input's last block */
    size_t len;
    uint64_t offset; /* bytes behind us */
};

/* Makes sure that some input is at hand; `len` stays 0 at its end. Data taken before is gone. */
int cenv_cursor_fill(struct cenv_cursor *cursor, struct cenv_error *err);

/* Steps over `len` bytes at hand. */
void cenv_cursor_advance(struct cenv_cursor *cursor, size_t len);

/* Copies `len` bytes to `to` (NULL: skips them). 1; 0 when the input ends before; or a status. */
int cenv_cursor_take(struct cenv_cursor *cursor, void *to, uint64_t len,
                     struct cenv_error *err);

#endif
