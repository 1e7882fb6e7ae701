/* SPDX-License-Identifier: BSD-3-Clause */
/* Uses of directories where the system does not tell them: see dir_users.h. */
#include "os/dir_users.h"

#include <errno.h>

int cenv_raw_find_dir_user(const char *path, uint64_t since, char *what, size_t size)
{
    (void)path, (void)since, (void)what, (void)size;
    return -ENOTSUP;
}
