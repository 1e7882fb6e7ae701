/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes by the calls that Linux has for them. */
#include "os/xattr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/alloc.h"

enum { XATTR_MAX = 64 * 1024 };

static int copy_xattr(int from_fd, int to_fd, const char *name, char *value)
{
    ssize_t n = fgetxattr(from_fd, name, value, XATTR_MAX);
    if (n < 0)
        return errno == ENODATA ? 0 : -errno;
    return fsetxattr(to_fd, name, value, (size_t)n, 0) < 0 ? -errno : 0;
}

static bool is_refusal(int rc)
{
    return rc == -ENOTSUP || rc == -EPERM || rc == -EACCES;
}

int cenv_raw_copy_xattrs(int from_fd, int to_fd)
{
    ssize_t len = flistxattr(from_fd, NULL, 0);
    if (len <= 0)
        return len < 0 && !is_refusal(-errno) ? -errno : 0;
    char *names = cenv_malloc(XATTR_MAX), *value = cenv_malloc(XATTR_MAX);
    int rc = names && value ? 0 : -ENOMEM;
    len = rc == 0 ? flistxattr(from_fd, names, XATTR_MAX) : 0;
    for (ssize_t at = 0; at < len && rc == 0; at += (ssize_t)strlen(names + at) + 1) {
        rc = copy_xattr(from_fd, to_fd, names + at, value);
        if (is_refusal(rc))
            rc = 0;
    }
    cenv_free(names);
    cenv_free(value);
    return rc;
}

int cenv_raw_clear_xattrs(int fd)
{
    char *names = cenv_malloc(XATTR_MAX);
    ssize_t len = names ? flistxattr(fd, names, XATTR_MAX) : 0;
    int rc = !names ? -ENOMEM : len < 0 && !is_refusal(-errno) ? -errno : 0;
    for (ssize_t at = 0; at < len && rc == 0; at += (ssize_t)strlen(names + at) + 1)
        if (fremovexattr(fd, names + at) < 0 && errno != ENODATA && !is_refusal(-errno))
            rc = -errno;
    cenv_free(names);
    return rc;
}

/* llistxattr knows no descriptors: through /proc, and where there is none the answer is maybe. */
bool cenv_raw_has_xattrs(int dirfd, const char *name)
{
    char path[sizeof("/proc/self/fd/-2147483648/") + 256];
    int n = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return true;
    ssize_t len = llistxattr(path, NULL, 0);
    return len > 0 || (len < 0 && errno != ENOTSUP);
}

bool cenv_raw_hands_down_acl(int dirfd)
{
    return fgetxattr(dirfd, "system.posix_acl_default", NULL, 0) > 0;
}
