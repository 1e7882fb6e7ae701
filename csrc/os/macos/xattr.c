/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes by copyfile. */
#include "os/xattr.h"

#include <copyfile.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "os/raw_path.h"

/* As <sys/xattr.h> has them, which the headers that `make portable` compiles with lack. */
ssize_t flistxattr(int fd, char *names, size_t size, int options);
int fremovexattr(int fd, const char *name, int options);

int cenv_raw_copy_xattrs(int from_fd, int to_fd)
{
    if (fcopyfile(from_fd, to_fd, NULL, COPYFILE_XATTR) == 0)
        return 0;
    return errno == ENOTSUP || errno == EPERM || errno == EACCES ? 0 : -errno;
}

int cenv_raw_clear_xattrs(int fd)
{
    ssize_t len = flistxattr(fd, NULL, 0, 0);
    if (len <= 0)
        return len < 0 && errno != ENOTSUP ? -errno : 0;
    char *names = cenv_malloc((size_t)len);
    if (!names)
        return -ENOMEM;
    len = flistxattr(fd, names, (size_t)len, 0);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
        fremovexattr(fd, names + at, 0);
    cenv_free(names);
    return 0;
}

/* copyfile knows no directories by descriptor; where it cannot tell, the answer is maybe. */
bool cenv_raw_has_xattrs(int dirfd, const char *name)
{
    char path[2 * MAXPATHLEN];
    size_t n = cenv_raw_path_of(dirfd, path, sizeof(path));
    int more = snprintf(path + n, sizeof(path) - n, "/%s", name);
    if (n == 0 || more < 0 || (size_t)more >= sizeof(path) - n)
        return true;
    int has =
        copyfile(path, NULL, NULL, COPYFILE_CHECK | COPYFILE_XATTR | COPYFILE_NOFOLLOW);
    return has < 0 || (has & COPYFILE_XATTR);
}

/* The system itself gives it to whatever comes there, copies of all kinds included. */
bool cenv_raw_hands_down_acl(int dirfd)
{
    (void)dirfd;
    return false;
}
