/* SPDX-License-Identifier: BSD-3-Clause */
/* Children by pidfd (Linux 5.3; before it, none is watched). */
#include "os/posix/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

int cenv_child_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

int cenv_child_watch(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int cenv_child_add_chdir(posix_spawn_file_actions_t *actions, const char *cwd)
{
    return posix_spawn_file_actions_addchdir_np(actions, cwd);
}

char *const *cenv_child_environ(void)
{
    return environ;
}
