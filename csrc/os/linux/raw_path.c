/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of descriptors: the kernel's links in /proc. */
#include "os/raw_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/raw_file.h"

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
