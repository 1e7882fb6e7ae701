/* SPDX-License-Identifier: BSD-3-Clause */
/* What the format of a file lets be changed in it. Pure. */
#ifndef CENV_RELOCATE_FORMAT_H
#define CENV_RELOCATE_FORMAT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

enum cenv_format {
    CENV_FORMAT_TEXT, /* may change its length */
    CENV_FORMAT_ELF,  /* paths that the loader looks for end with a NUL of their own */
    CENV_FORMAT_COUNTED, /* unknown, or counts its bytes: nothing in it may move */
    CENV_FORMAT_SEALED, /* compresses, checks or orders its bytes: nothing in it may change */
};

struct cenv_format_found {
    enum cenv_format format;
    int marked; /* TEXT with the mark of UTF-16 or UTF-32: that encoding, else -1 */
    const char *reason; /* why nothing may move, a literal; NULL in a text */
};

/*
 * A text is what has a byte order mark of UTF-16 or UTF-32, or no NUL and no other control
 * characters than texts have, is UTF-8, or at least looks like lines in an older 8-bit encoding,
 * and does not begin as one of the formats that count their bytes in digits (bencode, ar, PDF ...).
 * 0, or CENV_ECANCELLED.
 */
int cenv_format_find(struct cenv_str data, struct cenv_task *task,
                     struct cenv_format_found *out, struct cenv_error *err);

/* Whether a file that begins so is compressed or a ZIP archive: its content shows only unpacked. */
bool cenv_format_is_packed(struct cenv_str head);

#endif
