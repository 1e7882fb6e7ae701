/* SPDX-License-Identifier: BSD-3-Clause */
/* Open file description locks for files, flock for directories. */
#include "os/raw_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

int cenv_raw_try_lock(int fd, bool exclusive)
{
    struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    int rc;
    do
        rc = fcntl(fd, F_OFD_SETLK, &lock);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return errno == EAGAIN || errno == EACCES ? -EWOULDBLOCK : -errno;
    return 0;
}

/* Network file systems lock byte ranges instead, and want the file open for writing. */
static int lock_dir(int fd, int how)
{
    int rc;
    do
        rc = flock(fd, how);
    while (rc < 0 && errno == EINTR);
    if (rc == 0 || errno == EWOULDBLOCK)
        return rc == 0 ? 0 : -EWOULDBLOCK;
    return -ENOTSUP;
}

int cenv_raw_lock_dir(int fd)
{
    return lock_dir(fd, LOCK_EX);
}

int cenv_raw_try_lock_dir(int fd)
{
    return lock_dir(fd, LOCK_EX | LOCK_NB);
}
