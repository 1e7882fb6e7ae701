/* SPDX-License-Identifier: BSD-3-Clause */
/* Extents by FICLONE, ranges by copy_file_range. */
#include "os/raw_extent.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/copy.h"

int cenv_raw_reflink(int from_fd, int to_fd)
{
    return ioctl(to_fd, FICLONE, from_fd) < 0 ? -errno : 0;
}

static bool must_copy_by_hand(int error)
{
    return error == EXDEV || error == EINVAL || error == ENOSYS ||
           error == EOPNOTSUPP || error == EPERM || error == EBADF || error == ETXTBSY;
}

int cenv_raw_copy_range(int from, int to, uint64_t at, uint64_t end)
{
    while (at < end) {
        off_t in = (off_t)at, out = (off_t)at;
        uint64_t left = end - at < (1u << 30) ? end - at : (1u << 30);
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)left, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && !must_copy_by_hand(errno))
            return -errno;
        if (n <= 0) /* 0: the end, or a file system whose files have no size */
            return cenv_raw_copy_bytes(from, to, at, end);
        at += (uint64_t)n;
    }
    return 0;
}
