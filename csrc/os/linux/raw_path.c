/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of descriptors: the kernel's links in /proc. */
#include "os/raw_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/raw_file.h"
#include "os/subvolume.h"

#ifndef STATX_ATTR_MOUNT_ROOT /* headers before 5.8 */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

size_t cenv_raw_path_of(int fd, char *text, size_t size)
{
    char link[40] = "/proc/self/cwd";
    if (fd != CENV_CWD)
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, text, size - 1);
    size_t n = len > 0 ? (size_t)len : 0;
    text[n] = '\0';
    return n;
}

int cenv_raw_open_path(int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool has_other_device(int fd)
{
    struct stat own, parent;
    return fstat(fd, &own) == 0 && fstatat(fd, "..", &parent, 0) == 0 &&
           own.st_dev != parent.st_dev && own.st_ino != CENV_SUBVOLUME_INODE;
}

int cenv_raw_is_mount(int fd)
{
    struct statx st;
    if (statx(fd, "", AT_EMPTY_PATH, 0, &st) < 0)
        return errno == ENOSYS || errno == EPERM ? has_other_device(fd) : -errno;
    if (!(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
        return has_other_device(fd);
    return (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}
