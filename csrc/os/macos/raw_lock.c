/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks by flock, which belongs to the open file here as on Linux; files and directories alike. */
#include "os/raw_lock.h"

#include <errno.h>
#include <sys/file.h>

static int lock_fd(int fd, int how)
{
    int rc;
    do
        rc = flock(fd, how);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int cenv_raw_try_lock(int fd, bool exclusive)
{
    return lock_fd(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
}

/* Whatever else a file system says, it cannot lock directories. */
static int lock_dir(int fd, int how)
{
    int rc = lock_fd(fd, how);
    return rc == 0 || rc == -EWOULDBLOCK ? rc : -ENOTSUP;
}

int cenv_raw_lock_dir(int fd)
{
    return lock_dir(fd, LOCK_EX);
}

int cenv_raw_try_lock_dir(int fd)
{
    return lock_dir(fd, LOCK_EX | LOCK_NB);
}
