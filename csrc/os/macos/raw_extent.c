/* SPDX-License-Identifier: BSD-3-Clause */
/* Extents of APFS by clonefile. */
#include "os/raw_extent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/clonefile.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/copy.h"
#include "os/raw_file.h"

/* The clone `temp` takes the place of the file `path`, mode, name and descriptor. */
static int take_place(const char *temp, const char *path, mode_t mode, int to_fd)
{
    int rc = 0;
    if (chmod(temp, 0600) < 0) /* of a source that cannot be written to */
        return -errno;
    int fd = open(temp, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, mode) < 0 || rename(temp, path) < 0 || dup2(fd, to_fd) < 0 ||
        fcntl(to_fd, F_SETFD, FD_CLOEXEC) < 0)
        rc = -errno;
    cenv_fd_close(fd);
    return rc;
}

/* clonefile makes a new name and no descriptor: the clone is made beside the file. */
int cenv_raw_reflink(int from_fd, int to_fd)
{
    char path[MAXPATHLEN], temp[MAXPATHLEN + 32];
    struct stat st;
    unsigned long long nonce;
    if (fcntl(to_fd, F_GETPATH, path) < 0 || fstat(to_fd, &st) < 0)
        return -errno;
    arc4random_buf(&nonce, sizeof(nonce));
    snprintf(temp, sizeof(temp), "%s-%016llx", path, nonce);
    if (fclonefileat(from_fd, AT_FDCWD, temp, 0) < 0)
        return errno == ENOTSUP ? -EOPNOTSUPP : -errno;
    int rc = take_place(temp, path, st.st_mode & 07777, to_fd);
    if (rc < 0)
        unlink(temp);
    return rc;
}

int cenv_raw_copy_range(int from, int to, uint64_t at, uint64_t end)
{
    return cenv_raw_copy_bytes(from, to, at, end);
}
