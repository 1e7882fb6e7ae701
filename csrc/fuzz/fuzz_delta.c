/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of contents of any bytes: refused, or within what a delta may be, and written again. */
#include <stdlib.h>
#include <string.h>

#include "archive/delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 24 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Frames follow each other, and each content lies in them. */
static void check_contents(const struct cenv_delta *delta)
{
    struct cenv_error err = CENV_ERROR_INIT;
    for (uint32_t i = 0; i < delta->nr_entries; i++) {
        const struct cenv_delta_entry *entry = &delta->entries[i];
        uint32_t first, nr;
        require(entry->path.data[entry->path.len] == 0);
        require(entry->link.data[entry->link.len] == 0);
        if (entry->type != CENV_DELTA_FILE)
            continue;
        require(entry->which <= delta->nr_others);
        if (entry->which)
            continue;
        require(cenv_delta_find_frames(delta, entry->at, entry->size, &first, &nr,
                                       &err) == 0);
        require(first + nr <= delta->nr_frames || nr == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_delta_place place = {.fd = -1, .whole = size};
    struct cenv_delta delta = {0};
    struct cenv_buf text, again;
    cenv_buf_init(&text, ROOM);
    cenv_buf_init(&again, ROOM);
    /* The frames' sizes must add up to the delta's: the input says to what. */
    if (size >= 8)
        memcpy(&place.size, data, 8);
    cenv_buf_add(&text, size >= 8 ? (const char *)data + 8 : "",
                 size >= 8 ? size - 8 : 0);
    int rc = cenv_delta_parse(&delta, &text, &place, &err);
    if (rc == 0) {
        check_contents(&delta);
        require(cenv_delta_format(&delta, &again));
        require(again.len == size - 8);
    }
    cenv_delta_release(&delta);
    cenv_error_release(&err);
    cenv_buf_release(&text);
    cenv_buf_release(&again);
    return 0;
}
