/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks by LockFileEx: on one byte behind all that a lock file holds, so that it can be read. */
#include "os/raw_lock.h"

#include <errno.h>

#include "os/windows/win.h"

int cenv_raw_try_lock(int fd, bool exclusive)
{
    OVERLAPPED place = {.OffsetHigh = 0x40000000};
    DWORD flags = LOCKFILE_FAIL_IMMEDIATELY | (exclusive ? LOCKFILE_EXCLUSIVE_LOCK : 0);
    if (LockFileEx(cenv_win_handle(fd), flags, 0, 1, 0, &place))
        return 0;
    return cenv_win_last_error();
}

/* Directories cannot be locked. */
int cenv_raw_lock_dir(int fd)
{
    (void)fd;
    return -ENOTSUP;
}

int cenv_raw_try_lock_dir(int fd)
{
    (void)fd;
    return -ENOTSUP;
}
