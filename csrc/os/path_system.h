/* SPDX-License-Identifier: BSD-3-Clause */
/* What systems hold differently of paths; between components all of them take "/". */
#ifndef CENV_OS_PATH_SYSTEM_H
#define CENV_OS_PATH_SYSTEM_H

#include <stddef.h>

#include "base/str.h"

/* Bytes of the root that an absolute path begins with: "/" 1, on Windows "C:/" 3; relative 0. */
size_t cenv_path_root(struct cenv_str path);

/* Why no file of this system can have that relative path, or NULL. */
const char *cenv_path_unfit(struct cenv_str path);

#endif
