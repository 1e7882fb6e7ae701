/* SPDX-License-Identifier: BSD-3-Clause */
/* Running programs: see proc.h. posix_spawn, because the host process may have any threads. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/fs.h"

enum { POLL_MS = 50, READ_BLOCK = 16 * 1024 };

extern char **environ;

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
        rc = posix_spawn_file_actions_addchdir_np(actions, cwd);
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
                              proc->env ? as_argv(proc->env) : environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

struct child {
    pid_t pid;
    int pipe;  /* -1 after the end of its output */
    int pidfd; /* or -1: kernels before 5.3 */
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
                            {.fd = child->pidfd, .events = POLLIN}};
    /* Without a pidfd nothing wakes us at the end when the output is closed already. */
    poll(fds, 2, child->pidfd < 0 && child->pipe < 0 ? 5 : POLL_MS);
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
    struct child child = {.pidfd = -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cenv_error_os(err, errno, NULL, "cannot make a pipe");
    int rc = spawn_child(proc, ends[1], &child.pid);
    cenv_fd_close(ends[1]);
    child.pipe = ends[0];
    if (rc < 0) {
        cenv_fd_close(ends[0]);
        return cenv_error_os(err, -rc, proc->argv[0], "cannot run");
    }
    fcntl(child.pipe, F_SETFL, O_NONBLOCK);
    child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
    rc = follow_child(&child, output, status, task, proc->argv[0], err);
    cenv_fd_close(child.pipe);
    cenv_fd_close(child.pidfd);
    return rc;
}

/* Owners. */

static struct cenv_str read_small(const char *path, char *text, size_t size)
{
    int fd = cenv_raw_open_file(CENV_CWD, path, NULL);
    int64_t n = fd < 0 ? 0 : cenv_raw_read(fd, text, size);
    cenv_fd_close(fd);
    return cenv_str_trim(cenv_str_n(text, n > 0 ? (size_t)n : 0));
}

/* Field 22, counted behind the name, which may hold blanks and brackets. */
static uint64_t start_of(int64_t pid)
{
    char path[64], text[1024];
    uint64_t value = 0;
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    struct cenv_str stat = read_small(path, text, sizeof(text));
    stat = cenv_str_slice(stat, cenv_str_rfind(stat, ')') + 2, stat.len);
    for (int field = 3; field < 22; field++)
        cenv_str_cut(&stat, ' ');
    struct cenv_str digits = cenv_str_cut(&stat, ' ');
    for (size_t i = 0; i < digits.len && digits.data[i] >= '0'; i++)
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    return value;
}

void cenv_owner_of(int64_t pid, struct cenv_owner *out)
{
    char boot[64];
    struct utsname host;
    struct stat ns;
    *out = (struct cenv_owner){.pid = pid, .start = start_of(pid)};
    if (stat("/proc/self/ns/pid", &ns) == 0)
        out->pid_ns = ns.st_ino;
    struct cenv_str id =
        read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    snprintf(out->boot_id, sizeof(out->boot_id), "%.*s", CENV_STR_ARG(id));
    if (uname(&host) == 0)
        snprintf(out->host, sizeof(out->host), "%s", host.nodename);
}

void cenv_owner_self(struct cenv_owner *out)
{
    cenv_owner_of(getpid(), out);
}

int cenv_owner_text(struct cenv_buf *out)
{
    char since[32] = "?";
    struct utsname host = {.nodename = "?"};
    struct tm local;
    time_t now = time(NULL);
    uname(&host);
    if (localtime_r(&now, &local))
        strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", &local);
    return cenv_buf_addf(out, "process %ld on %s since %s", (long)getpid(),
                         host.nodename, since);
}

bool cenv_pid_is_gone(int64_t pid)
{
    return pid <= 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

bool cenv_owner_may_live(const struct cenv_owner *owner)
{
    struct cenv_owner self;
    cenv_owner_self(&self);
    if (strcmp(owner->boot_id, self.boot_id) != 0)
        return strcmp(owner->host, self.host) != 0;
    if (owner->pid_ns != self.pid_ns)
        return true; /* its number means nothing here */
    if (cenv_pid_is_gone(owner->pid))
        return false;
    uint64_t start = start_of(owner->pid);
    return !owner->start || !start || start == owner->start;
}
