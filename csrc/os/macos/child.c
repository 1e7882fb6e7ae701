/* SPDX-License-Identifier: BSD-3-Clause */
/* Children watched by a kqueue, which poll() can wait for. */
#include "os/posix/child.h"

#include <crt_externs.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/event.h>
#include <unistd.h>

#include "os/raw_file.h"

/* There is no pipe2: a child that another thread starts in between may keep an end for a while. */
int cenv_child_pipe(int ends[2])
{
    if (pipe(ends) < 0)
        return -errno;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++)
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0)
            rc = -errno;
    for (int i = 0; i < 2 && rc < 0; i++)
        cenv_fd_close(ends[i]);
    return rc;
}

int cenv_child_watch(pid_t pid)
{
    struct kevent event;
    int fd = kqueue();
    if (fd < 0)
        return -1;
    EV_SET(&event, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
        kevent(fd, &event, 1, NULL, 0, NULL) == 0)
        return fd;
    cenv_fd_close(fd); /* it has ended already: it is reaped without */
    return -1;
}

bool cenv_child_can_chdir(void)
{
    return true;
}

int cenv_child_add_chdir(posix_spawn_file_actions_t *actions, const char *cwd)
{
    return posix_spawn_file_actions_addchdir_np(actions, cwd);
}

/* One at a time: the flag that closes all of them would close those of the streams first. */
int cenv_child_add_closes(posix_spawn_file_actions_t *actions)
{
    int end = getdtablesize(), rc = 0;
    for (int fd = 3; fd < end && rc == 0; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            rc = posix_spawn_file_actions_addclose(actions, fd);
    }
    return rc;
}

void cenv_child_close_others(int keep, int keep_too)
{
    int end = getdtablesize();
    for (int fd = 0; fd < end; fd++)
        if (fd != keep && fd != keep_too)
            close(fd);
}

char *const *cenv_child_environ(void)
{
    return *_NSGetEnviron();
}
