/* SPDX-License-Identifier: BSD-3-Clause */
/* Sharing extents is not supported on Windows yet: ReFS could. */
#include "os/raw_extent.h"

#include <errno.h>

#include "os/copy.h"

int cenv_raw_reflink(int from_fd, int to_fd)
{
    (void)from_fd, (void)to_fd;
    return -EOPNOTSUPP;
}

int cenv_raw_copy_range(int from, int to, uint64_t at, uint64_t end)
{
    return cenv_raw_copy_bytes(from, to, at, end);
}
