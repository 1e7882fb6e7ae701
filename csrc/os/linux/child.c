/* SPDX-License-Identifier: BSD-3-Clause */
/* Children by pidfd (Linux 5.3; before it, none is watched). */
#include "os/posix/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/raw_file.h"

extern char **environ;

int cenv_child_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

int cenv_child_watch(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Weak: glibc has it from 2.29 on, and a wheel runs with 2.28 too. */
#pragma weak posix_spawn_file_actions_addchdir_np

bool cenv_child_can_chdir(void)
{
    return posix_spawn_file_actions_addchdir_np != NULL;
}

int cenv_child_add_chdir(posix_spawn_file_actions_t *actions, const char *cwd)
{
    return posix_spawn_file_actions_addchdir_np(actions, cwd);
}

/* Not addclosefrom_np: that came with glibc 2.34. Where there is no /proc, all is inherited. */
int cenv_child_add_closes(posix_spawn_file_actions_t *actions)
{
    struct cenv_dirent entry;
    struct cenv_dir dir;
    int fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    if (fds < 0)
        return 0;
    if (cenv_dir_init(&dir, fds) == 0) {
        while (rc == 0 && cenv_dir_next(&dir, &entry) == 1) {
            int fd = (int)strtol(entry.name, NULL, 10),
                flags = fd > 2 ? fcntl(fd, F_GETFD) : -1;
            if (flags >= 0 && !(flags & FD_CLOEXEC))
                rc = posix_spawn_file_actions_addclose(actions, fd);
        }
        cenv_dir_release(&dir);
    }
    cenv_fd_close(fds);
    return rc;
}

/* Closing what is listed disturbs no listing: its place in it is the descriptor's number. */
static void close_listed(int fds, const char *block, long len, int keep, int keep_too)
{
    for (long pos = 0; pos < len;) {
        const struct dirent *at = (const void *)(block + pos);
        int fd = (int)strtol(at->d_name, NULL, 10);
        pos += at->d_reclen;
        if (at->d_name[0] != '.' && fd != fds && fd != keep && fd != keep_too)
            close(fd);
    }
}

/* Without cenv_dir, which allocates. Where there is no /proc, all is kept. */
void cenv_child_close_others(int keep, int keep_too)
{
    _Alignas(struct dirent) char block[2048];
    int fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long len;
    if (fds < 0)
        return;
    while ((len = syscall(SYS_getdents64, fds, block, sizeof(block))) > 0)
        close_listed(fds, block, len, keep, keep_too);
    close(fds);
}

char *const *cenv_child_environ(void)
{
    return environ;
}
