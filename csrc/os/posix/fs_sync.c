/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In a process of its own: who waits for a disk cannot be woken, and a process does not end before
 * all its threads are back. It is a grandchild, which nobody has to wait for.
 */
#include "os/fs_sync.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fs.h"
#include "os/fs_facts.h"
#include "os/posix/child.h"
#include "os/raw_data.h"

enum { POLL_MS = 20 };

/* Here and in the next only what a child of a process with threads may do. */
static _Noreturn void sync_and_tell(int fd, int to)
{
    int failed = cenv_raw_syncfs(fd);
    cenv_fd_close(fd); /* before its caller goes on, and perhaps unmounts */
    _exit(cenv_raw_write(to, (const char *)&failed, sizeof(failed)) < 0);
}

/* The caller waits for this one alone: from then on no copy of a lock of its own is left. */
static _Noreturn void leave_grandchild(int fd, int to)
{
    cenv_child_close_others(fd, to);
    pid_t pid = fork();
    if (pid == 0)
        sync_and_tell(fd, to);
    _exit(pid < 0);
}

/* 0, or -errno. */
static int start_sync(int fd, int to)
{
    pid_t got, pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        leave_grandchild(fd, to);
    do
        got = waitpid(pid, NULL, 0);
    while (got < 0 && errno == EINTR);
    return 0;
}

/* 1 with the outcome in *failed, 0 when nobody is left to tell it, or CENV_ECANCELLED. */
static int await_outcome(int from, int *failed, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct pollfd news = {.fd = from, .events = POLLIN};
    do {
        int rc = cenv_task_poll(task, err);
        if (rc < 0)
            return rc;
    } while (poll(&news, 1, POLL_MS) <= 0);
    return cenv_raw_read(from, (char *)failed, sizeof(*failed)) == sizeof(*failed);
}

/* As await_outcome; 0 too where no process can be started. */
static int sync_apart(int fd, int *failed, struct cenv_task *task,
                      struct cenv_error *err)
{
    int ends[2];
    if (cenv_child_pipe(ends) < 0)
        return 0;
    int started = start_sync(fd, ends[1]);
    cenv_fd_close(ends[1]);
    int rc = started < 0 ? 0 : await_outcome(ends[0], failed, task, err);
    cenv_fd_close(ends[0]);
    return rc;
}

int cenv_fs_sync(int fd, struct cenv_task *task, struct cenv_error *err)
{
    int failed = 0, rc = sync_apart(fd, &failed, task, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        failed = cenv_raw_syncfs(fd);
    return failed < 0 ? cenv_fs_fail(err, failed, fd, NULL, "cannot sync") : 0;
}
