/* SPDX-License-Identifier: BSD-3-Clause */
/* A growing byte buffer born with a ceiling, so that no input can make it take all memory. */
#ifndef CENV_BASE_BUF_H
#define CENV_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/format.h"
#include "base/str.h"

/*
 * `data` is NULL or NUL-terminated behind `len`; owned by the buffer. Appending is sticky: after a
 * failure `failed` is set and tells which, nothing more is appended, and the caller checks once at
 * the end.
 */
enum { CENV_BUF_NO_MEMORY = 1, CENV_BUF_FULL = 2 };

struct cenv_buf {
    char *data;
    size_t len;
    size_t alloc;
    size_t max;
    int failed; /* 0, CENV_BUF_NO_MEMORY, or CENV_BUF_FULL: the ceiling was reached */
};

void cenv_buf_init(struct cenv_buf *buf, size_t max);
void cenv_buf_release(struct cenv_buf *buf);

/* Room for `extra` more bytes; returns where they go, or NULL after a failure. `len` is
 * unchanged. */
char *cenv_buf_reserve(struct cenv_buf *buf, size_t extra);

/* Append; false after a failure. */
bool cenv_buf_add(struct cenv_buf *buf, const void *data, size_t len);
bool cenv_buf_add_str(struct cenv_buf *buf, struct cenv_str text);
bool cenv_buf_puts(struct cenv_buf *buf, const char *text);
bool cenv_buf_putc(struct cenv_buf *buf, char c);
bool cenv_buf_addf(struct cenv_buf *buf, const char *format, ...) CENV_PRINTF(2, 3);

/* Forget the content, and that it was too much; keep the memory, and that it was exhausted: then
 * what was made of the content before is wrong too. */
void cenv_buf_clear(struct cenv_buf *buf);

/* The content as a NUL-terminated string, now owned by the caller (cenv_free); NULL on failure. */
char *cenv_buf_detach(struct cenv_buf *buf);

static inline struct cenv_str cenv_buf_str(const struct cenv_buf *buf)
{
    return (struct cenv_str){buf->data ? buf->data : "", buf->len};
}

#endif
