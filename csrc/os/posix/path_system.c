/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of POSIX: one root, and any byte in a name but NUL and "/". */
#include "os/path_system.h"

size_t cenv_path_root(struct cenv_str path)
{
    return path.len && path.data[0] == '/';
}

const char *cenv_path_unfit(struct cenv_str path)
{
    (void)path;
    return NULL;
}
