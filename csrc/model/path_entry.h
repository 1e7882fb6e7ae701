/* SPDX-License-Identifier: BSD-3-Clause */
/* What packages and records say of one path: `path_type` and `file_mode` of their lists. */
#ifndef CENV_MODEL_PATH_ENTRY_H
#define CENV_MODEL_PATH_ENTRY_H

#include "base/str.h"

/* `path_type` of CEP 32. A record without it (mamba's early ones) says hardlink. */
enum cenv_path_type {
    CENV_PATH_HARDLINK,
    CENV_PATH_SOFTLINK,
    CENV_PATH_DIRECTORY,
    CENV_PATH_PYC,         /* "pyc_file" */
    CENV_PATH_ENTRY_POINT, /* "unix_python_entry_point" */
    CENV_PATH_OTHER,       /* Windows launchers, linked_package_record */
};

/* "text" or "binary" of paths.json: a text may change its length, a binary pads with NULs. */
enum cenv_file_mode { CENV_MODE_TEXT, CENV_MODE_BINARY };

/* The longest path that Linux takes, so the longest prefix, and the longest placeholder for one. */
enum { CENV_PREFIX_MAX = 4096 };

/*
 * What a placeholder has that no prefix can have ("a NUL", "more than 4096 bytes"), or NULL. All
 * who read one ask this, so that none takes what another refuses. The empty one is none, and fine.
 */
const char *cenv_path_entry_refuse_placeholder(struct cenv_str placeholder);

#endif
