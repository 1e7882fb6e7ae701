/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of descriptors by F_GETPATH. */
#include "os/raw_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>

#include "os/raw_file.h"

size_t cenv_raw_path_of(int fd, char *text, size_t size)
{
    char path[MAXPATHLEN] = ""; /* what F_GETPATH asks for */
    int own = fd == CENV_CWD ? open(".", O_EVTONLY | O_CLOEXEC) : -1;
    if (fcntl(own >= 0 ? own : fd, F_GETPATH, path) < 0)
        path[0] = '\0';
    cenv_fd_close(own);
    size_t n = strlen(path);
    n = n < size ? n : size - 1;
    memcpy(text, path, n);
    text[n] = '\0';
    return n;
}

/* O_EVTONLY: the descriptor keeps no volume from being ejected. */
int cenv_raw_open_path(int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_EVTONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cenv_raw_is_mount(int fd)
{
    struct stat own, parent;
    if (fstat(fd, &own) < 0 || fstatat(fd, "..", &parent, 0) < 0)
        return -errno;
    return own.st_dev != parent.st_dev;
}
