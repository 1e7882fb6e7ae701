/* SPDX-License-Identifier: BSD-3-Clause */
/* Running programs: see proc.h. posix_spawn, because the host process may have any threads. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/posix/child.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

enum { POLL_MS = 50, READ_BLOCK = 16 * 1024 };

/* Python ignores SIGPIPE and may block signals; a child expects neither. Its group is its own. */
static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    short flags =
        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &defaults);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, flags);
    return rc;
}

static int set_actions(posix_spawn_file_actions_t *actions, int output, const char *cwd)
{
    int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, output, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, output, 2);
    if (rc == 0 && cwd)
        rc = cenv_child_add_chdir(actions, cwd);
    return rc;
}

/* The strings are not written to; the prototype of posix_spawn is older than const. */
static char *const *as_argv(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } cast = {.in = list};
    return cast.out;
}

static int spawn_child(const struct cenv_proc *proc, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return -rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        rc = set_attributes(&attr);
        if (rc == 0)
            rc = set_actions(&actions, output, proc->cwd);
        if (rc == 0)
            rc = posix_spawnp(pid, proc->argv[0], &actions, &attr, as_argv(proc->argv),
                              proc->env ? as_argv(proc->env) : cenv_child_environ());
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

struct child {
    pid_t pid;
    int pipe;  /* -1 after the end of its output */
    int watch; /* of cenv_child_watch(), or -1 */
};

static void keep_output(struct cenv_buf *output, const char *data, size_t len)
{
    size_t left = output->max - output->len;
    cenv_buf_add(output, data, len < left ? len : left);
}

/* All there is now; at the end the pipe is closed. */
static void drain_pipe(struct child *child, struct cenv_buf *output)
{
    char block[READ_BLOCK];
    int64_t n = 0;
    while (child->pipe >= 0 &&
           (n = cenv_raw_read(child->pipe, block, sizeof(block))) > 0)
        keep_output(output, block, (size_t)n);
    if (child->pipe >= 0 && n != -EAGAIN) {
        cenv_fd_close(child->pipe);
        child->pipe = -1;
    }
}

static void await_news(const struct child *child)
{
    struct pollfd fds[2] = {{.fd = child->pipe, .events = POLLIN},
                            {.fd = child->watch, .events = POLLIN}};
    /* Unwatched, nothing wakes us at the end when the output is closed already. */
    poll(fds, 2, child->watch < 0 && child->pipe < 0 ? 5 : POLL_MS);
}

static void take_status(int wstatus, struct cenv_proc_status *out)
{
    out->signal = WIFSIGNALED(wstatus) ? WTERMSIG(wstatus) : 0;
    out->code = out->signal ? 128 + out->signal : WEXITSTATUS(wstatus);
}

/* 0, or -errno (ECHILD: somebody else in this process took the status). */
static int reap_child(pid_t pid, int flags, struct cenv_proc_status *out, bool *ended)
{
    int wstatus;
    pid_t got;
    do
        got = waitpid(pid, &wstatus, flags);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    *ended = got == pid;
    if (*ended)
        take_status(wstatus, out);
    return 0;
}

static int follow_child(struct child *child, struct cenv_buf *output,
                        struct cenv_proc_status *status, struct cenv_task *task,
                        const char *name, struct cenv_error *err)
{
    bool ended = false;
    int rc = 0;
    while (!ended && rc == 0) {
        if (cenv_task_poll(task, err) != 0) {
            kill(-child->pid, SIGKILL);
            reap_child(child->pid, 0, status, &ended);
            return CENV_ECANCELLED;
        }
        await_news(child);
        drain_pipe(child, output);
        rc = reap_child(child->pid, WNOHANG, status, &ended);
    }
    drain_pipe(child, output);
    return rc ? cenv_error_os(err, -rc, name, "cannot wait for") : 0;
}

int cenv_proc_run(const struct cenv_proc *proc, struct cenv_buf *output,
                  struct cenv_proc_status *status, struct cenv_task *task,
                  struct cenv_error *err)
{
    int ends[2];
    struct child child = {.watch = -1};
    int rc = cenv_child_pipe(ends);
    if (rc < 0)
        return cenv_error_os(err, -rc, NULL, "cannot make a pipe");
    rc = spawn_child(proc, ends[1], &child.pid);
    cenv_fd_close(ends[1]);
    child.pipe = ends[0];
    if (rc < 0) {
        cenv_fd_close(ends[0]);
        return cenv_error_os(err, -rc, proc->argv[0], "cannot run");
    }
    fcntl(child.pipe, F_SETFL, O_NONBLOCK);
    child.watch = cenv_child_watch(child.pid);
    rc = follow_child(&child, output, status, task, proc->argv[0], err);
    cenv_fd_close(child.pipe);
    cenv_fd_close(child.watch);
    return rc;
}
