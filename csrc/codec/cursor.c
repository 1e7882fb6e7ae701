/* SPDX-License-Identifier: BSD-3-Clause */
/* A place in an input: see cursor.h. */
#include "codec/cursor.h"

#include <string.h>

int cenv_cursor_fill(struct cenv_cursor *cursor, struct cenv_error *err)
{
    const void *data = NULL;
    int rc = 0;

    if (cursor->len == 0) {
        rc = cursor->from.read(cursor->from.ctx, &data, &cursor->len, err);
        cursor->data = data;
    }
    return rc;
}

void cenv_cursor_advance(struct cenv_cursor *cursor, size_t len)
{
    cursor->data += len;
    cursor->len -= len;
    cursor->offset += len;
}

int cenv_cursor_take(struct cenv_cursor *cursor, void *to, uint64_t len,
                     struct cenv_error *err)
{
    char *room = to;

    while (len > 0) {
        size_t part;
        int rc = cenv_cursor_fill(cursor, err);
        if (rc < 0 || cursor->len == 0)
            return rc;
        part = len < cursor->len ? (size_t)len : cursor->len;
        if (room) {
            memcpy(room, cursor->data, part);
            room += part;
        }
        cenv_cursor_advance(cursor, part);
        len -= part;
    }
    return 1;
}
