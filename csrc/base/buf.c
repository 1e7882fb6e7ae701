/* SPDX-License-Identifier: BSD-3-Clause */
/* A growing byte buffer: see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void cenv_buf_init(struct cenv_buf *buf, size_t max)
{
    *buf = (struct cenv_buf){.max = max};
}

void cenv_buf_release(struct cenv_buf *buf)
{
    cenv_free(buf->data);
    *buf = (struct cenv_buf){.max = buf->max};
}

static bool grow_to(struct cenv_buf *buf, size_t need)
{
    size_t want = buf->alloc + buf->alloc / 2;
    want = want < need ? need : want;
    want = want < 64 ? 64 : want;
    char *grown = cenv_realloc(buf->data, want);
    if (!grown)
        return false;
    buf->data = grown;
    buf->alloc = want;
    return true;
}

char *cenv_buf_reserve(struct cenv_buf *buf, size_t extra)
{
    if (buf->failed)
        return NULL;
    if (extra > buf->max || buf->len > buf->max - extra)
        buf->failed = CENV_BUF_FULL;
    else if (buf->len + extra + 1 > buf->alloc && !grow_to(buf, buf->len + extra + 1))
        buf->failed = CENV_BUF_NO_MEMORY;
    return buf->failed ? NULL : buf->data + buf->len;
}

bool cenv_buf_add(struct cenv_buf *buf, const void *data, size_t len)
{
    char *room = cenv_buf_reserve(buf, len);
    if (!room)
        return false;
    if (len)
        memcpy(room, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return true;
}

bool cenv_buf_add_str(struct cenv_buf *buf, struct cenv_str text)
{
    return cenv_buf_add(buf, text.data, text.len);
}

bool cenv_buf_puts(struct cenv_buf *buf, const char *text)
{
    return cenv_buf_add(buf, text, strlen(text));
}

bool cenv_buf_putc(struct cenv_buf *buf, char c)
{
    return cenv_buf_add(buf, &c, 1);
}

bool cenv_buf_addf(struct cenv_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = need < 0 ? NULL : cenv_buf_reserve(buf, (size_t)need);
    if (room) {
        vsnprintf(room, (size_t)need + 1, format, again);
        buf->len += (size_t)need;
    }
    va_end(again);
    return room;
}

void cenv_buf_clear(struct cenv_buf *buf)
{
    buf->len = 0;
    buf->failed &= CENV_BUF_NO_MEMORY;
    if (buf->data)
        buf->data[0] = '\0';
}

char *cenv_buf_detach(struct cenv_buf *buf)
{
    char *data = buf->failed ? NULL : buf->data;
    if (!data && !buf->failed)
        data = cenv_strdup("");
    else if (data)
        buf->data = NULL;
    cenv_buf_release(buf);
    return data;
}
