/* SPDX-License-Identifier: BSD-3-Clause */
/* What packages and records may say of one path. */
#include "model/path_entry.h"

const char *cenv_path_entry_refuse_placeholder(struct cenv_str placeholder)
{
    if (placeholder.len > CENV_PREFIX_MAX)
        return "more than 4096 bytes";
    return cenv_str_find(placeholder, '\0') < placeholder.len ? "a NUL" : NULL;
}
