/* SPDX-License-Identifier: BSD-3-Clause */
/* Running programs: see proc.h. posix_spawn, because the host process may have any threads. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/posix/child.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

enum { POLL_MS = 50, BLOCK = 64 * 1024, BLOCKS = 16 };

/* Python ignores SIGPIPE and may block signals; a child expects neither. Its group is its own. */
static int set_attributes(posix_spawnattr_t *attr, bool new_session)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                (new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &defaults);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, (short)flags);
    return rc;
}

static int set_actions(posix_spawn_file_actions_t *actions, const int theirs[3],
                       const char *cwd)
{
    int rc = 0;
    for (int target = 0; target < 3 && rc == 0; target++)
        if (theirs[target] >= 0)
            rc = posix_spawn_file_actions_adddup2(actions, theirs[target], target);
    if (rc == 0)
        rc = cenv_child_add_closes(actions);
    if (rc == 0 && cwd && cenv_child_can_chdir())
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

/* The arguments of a shell that runs the program in its directory; NULL: memory ran out. */
static const char **through_shell(const struct cenv_proc *proc)
{
    static const char *const shell[] = {"/bin/sh", "-c",
                                        "cd -- \"$1\" && shift && exec \"$@\"", "sh"};
    enum { SHELL = sizeof(shell) / sizeof(shell[0]) };
    size_t nr = 0;
    while (proc->argv[nr])
        nr++;
    const char **argv = cenv_malloc((SHELL + nr + 2) * sizeof(*argv));
    if (!argv)
        return NULL;
    memcpy(argv, shell, sizeof(shell));
    argv[SHELL] = proc->cwd;
    memcpy(argv + SHELL + 1, proc->argv, (nr + 1) * sizeof(*argv));
    return argv;
}

/* posix_spawnp, whose errors it returns. */
static int spawn_program(const struct cenv_proc *proc,
                         const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *attr, pid_t *pid)
{
    char *const *env = proc->env ? as_argv(proc->env) : cenv_child_environ();
    const char **by_shell = NULL;
    if (proc->cwd && !cenv_child_can_chdir()) {
        if (access(proc->cwd, X_OK) < 0)
            return errno;
        by_shell = through_shell(proc);
        if (!by_shell)
            return ENOMEM;
    }
    const char *const *argv = by_shell ? by_shell : proc->argv;
    int rc = posix_spawnp(pid, argv[0], actions, attr, as_argv(argv), env);
    cenv_free(by_shell);
    return rc;
}

static int spawn_child(const struct cenv_proc *proc, const int theirs[3], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return -rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        rc = set_attributes(&attr, proc->new_session);
        if (rc == 0)
            rc = set_actions(&actions, theirs, proc->cwd);
        if (rc == 0)
            rc = spawn_program(proc, &actions, &attr, pid);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

int cenv_proc_start(const struct cenv_proc *proc,
                    const struct cenv_proc_streams *streams, int *pid,
                    struct cenv_error *err)
{
    struct stat st;
    int rc = spawn_child(proc, streams->theirs, pid);
    if (rc == 0)
        return 0;
    if (proc->cwd && (stat(proc->cwd, &st) < 0 || !S_ISDIR(st.st_mode)))
        return cenv_error_os(err, -rc, proc->cwd, "cannot run a program in");
    return cenv_error_os(err, -rc, proc->argv[0], "cannot run");
}

/* ---- streams ---- */

/* The descriptor, or its copy, above those that a child replaces; -errno. */
static int lift_fd(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 3), error = errno;
    cenv_fd_close(fd);
    return lifted < 0 ? -error : lifted;
}

static int copy_fd(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

static int open_pipe(struct cenv_proc_streams *streams, int target)
{
    int ends[2], rc = cenv_child_pipe(ends);
    if (rc < 0)
        return rc;
    int theirs = lift_fd(ends[target == 0 ? 0 : 1]);
    int ours = lift_fd(ends[target == 0 ? 1 : 0]);
    streams->theirs[target] = theirs < 0 ? -1 : theirs;
    streams->ours[target] = ours < 0 ? -1 : ours;
    return theirs < 0 ? theirs : ours < 0 ? ours : 0;
}

static int open_stream(struct cenv_proc_streams *streams, int target, int wanted)
{
    int fd = -1;
    if (wanted == CENV_PROC_INHERIT)
        return 0;
    if (wanted == CENV_PROC_PIPE)
        return open_pipe(streams, target);
    if (wanted == CENV_PROC_NULL) {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        fd = fd < 0 ? -errno : lift_fd(fd);
    } else if (wanted == CENV_PROC_STDOUT) {
        fd = copy_fd(streams->theirs[1] >= 0 ? streams->theirs[1] : 1);
    } else {
        fd = copy_fd(wanted);
    }
    if (fd >= 0)
        streams->theirs[target] = fd;
    return fd < 0 ? fd : 0;
}

int cenv_proc_streams_open(struct cenv_proc_streams *streams, const int wanted[3],
                           struct cenv_error *err)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    *streams = (struct cenv_proc_streams){{-1, -1, -1}, {-1, -1, -1}};
    for (int target = 0; target < 3; target++) {
        int rc = open_stream(streams, target, wanted[target]);
        if (rc < 0) {
            cenv_proc_streams_release(streams);
            return cenv_error_os(err, -rc, names[target], "cannot give a program its");
        }
    }
    return 0;
}

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            cenv_fd_close(fds[i]);
        fds[i] = -1;
    }
}

void cenv_proc_streams_hand_over(struct cenv_proc_streams *streams)
{
    close_all(streams->theirs);
}

void cenv_proc_streams_release(struct cenv_proc_streams *streams)
{
    close_all(streams->theirs);
    close_all(streams->ours);
}

/* ---- finding ---- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int cenv_proc_find(const char *name, const char *path, struct cenv_buf *out)
{
    size_t start = out->len;
    if (strchr(name, '/'))
        return cenv_buf_puts(out, name) && is_program(out->data + start) ? 0 : 1;
    for (bool more = *name != 0; more;) {
        size_t len = strcspn(path, ":");
        out->len = start;
        cenv_buf_add(out, len ? path : ".", len ? len : 1);
        cenv_buf_putc(out, '/');
        if (cenv_buf_puts(out, name) && is_program(out->data + start))
            return 0;
        more = path[len] == ':';
        path += len + 1;
    }
    out->len = start;
    return 1;
}

/* ---- talking ---- */

struct follower {
    pid_t pid;
    int *pipes; /* our ends; -1 after the end of each */
    int watch;  /* of cenv_child_watch(), or -1 */
    uint64_t deadline_ns;
    struct cenv_proc_talk *talk;
    struct cenv_proc_status *status;
    bool ended;
};

static void close_pipe(int *pipe)
{
    cenv_fd_close(*pipe);
    *pipe = -1;
}

/* Writing to a program that has ended would end this process, had it not SIGPIPE blocked. */
static void take_sigpipe(void)
{
    sigset_t set;
    int number;
    sigpending(&set);
    if (!sigismember(&set, SIGPIPE))
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigwait(&set, &number);
}

static void send_input(struct follower *f)
{
    struct cenv_str *input = &f->talk->input;
    ssize_t n = 0;
    if (input->len)
        n = write(f->pipes[0], input->data, input->len < BLOCK ? input->len : BLOCK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        take_sigpipe();
        input->len = 0; /* it does not listen: no error, as for subprocess */
    } else {
        *input = cenv_str_slice(*input, (size_t)n, input->len);
    }
    if (input->len == 0)
        close_pipe(&f->pipes[0]);
}

static void keep_output(const struct follower *f, int i, const char *data, size_t len)
{
    struct cenv_buf *said = f->talk->said[i - 1];
    size_t left = said ? said->max - said->len : 0;
    if (said)
        cenv_buf_add(said, data, f->talk->drop && len > left ? left : len);
}

/* All there is now, as much as a pipe holds; at the end the pipe is closed. */
static void drain_pipe(struct follower *f, int i)
{
    char block[BLOCK];
    int64_t n = 1;
    for (int nr = 0; f->pipes[i] >= 0 && nr < BLOCKS && n > 0; nr++) {
        n = cenv_raw_read(f->pipes[i], block, BLOCK);
        if (n > 0)
            keep_output(f, i, block, (size_t)n);
    }
    if (f->pipes[i] >= 0 && n <= 0 && n != -EAGAIN)
        close_pipe(&f->pipes[i]);
}

static bool is_talking(const struct follower *f)
{
    return f->pipes[0] >= 0 || f->pipes[1] >= 0 || f->pipes[2] >= 0;
}

/* Its end is waited for last: until it is reaped, its group is known by its number. */
static bool awaits_end(const struct follower *f)
{
    return f->talk->until_exit || !is_talking(f);
}

static void await_news(const struct follower *f)
{
    bool unwatched = awaits_end(f) && f->watch < 0;
    uint64_t now = cenv_clock_ns(), wait_ms = unwatched ? 5 : POLL_MS;
    uint64_t left_ms = f->deadline_ns > now ? (f->deadline_ns - now) / 1000000 + 1 : 0;
    struct pollfd fds[4] = {{.fd = f->pipes[0], .events = POLLOUT},
                            {.fd = f->pipes[1], .events = POLLIN},
                            {.fd = f->pipes[2], .events = POLLIN},
                            {.fd = awaits_end(f) ? f->watch : -1, .events = POLLIN}};
    poll(fds, 4, (int)(left_ms < wait_ms ? left_ms : wait_ms));
}

static void take_status(int wstatus, struct cenv_proc_status *out)
{
    out->signal = WIFSIGNALED(wstatus) ? WTERMSIG(wstatus) : 0;
    out->code = out->signal ? 128 + out->signal : WEXITSTATUS(wstatus);
}

/* 0, or -errno (ECHILD: somebody else in this process took the status). */
static int reap_child(struct follower *f, int flags)
{
    int wstatus;
    pid_t got;
    do
        got = waitpid(f->pid, &wstatus, flags);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    f->ended = got == f->pid;
    if (f->ended)
        take_status(wstatus, f->status);
    return 0;
}

/* A program that left its group, or has none of its own, is killed alone. */
static void kill_group(struct follower *f)
{
    if (kill(-f->pid, SIGKILL) < 0)
        kill(f->pid, SIGKILL);
    reap_child(f, 0);
}

static bool is_too_much(const struct follower *f)
{
    const struct cenv_proc_talk *talk = f->talk;
    return (talk->said[0] && talk->said[0]->failed) ||
           (talk->said[1] && talk->said[1]->failed);
}

static void exchange(struct follower *f)
{
    await_news(f);
    if (f->pipes[0] >= 0)
        send_input(f);
    drain_pipe(f, 1);
    drain_pipe(f, 2);
}

/* 0, a status of the task's, or -errno of the wait in *wait_error. */
static int talk_with(struct follower *f, struct cenv_task *task, int *wait_error,
                     struct cenv_error *err)
{
    while (!f->ended) {
        int rc = cenv_task_poll(task, err);
        f->talk->timed_out = rc == 0 && cenv_clock_ns() >= f->deadline_ns;
        if (rc != 0 || f->talk->timed_out || is_too_much(f)) {
            kill_group(f);
            return rc;
        }
        exchange(f);
        *wait_error = awaits_end(f) ? reap_child(f, WNOHANG) : 0;
        if (*wait_error < 0)
            return 0;
    }
    return 0;
}

static int fail_too_much(const struct cenv_proc_talk *talk, struct cenv_error *err)
{
    for (int i = 0; i < 2; i++)
        if (talk->said[i] && talk->said[i]->failed == CENV_BUF_NO_MEMORY)
            return cenv_error_oom(err);
    cenv_error_set(err, CENV_EFAIL, "a program wrote more than can be captured");
    return cenv_error_hint(err, "let it write to a file");
}

int cenv_proc_follow(int pid, struct cenv_proc_streams *streams,
                     struct cenv_proc_talk *talk, struct cenv_proc_status *status,
                     struct cenv_task *task, struct cenv_error *err)
{
    int64_t ms = talk->timeout_ms;
    struct follower f = {
        .pid = pid, .pipes = streams->ours, .talk = talk, .status = status};
    sigset_t sigpipe, mask;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &mask);
    f.deadline_ns = ms < 0 ? UINT64_MAX : cenv_clock_ns() + (uint64_t)ms * 1000000;
    f.watch = cenv_child_watch(pid);
    for (int i = 0; i < 3; i++)
        if (f.pipes[i] >= 0)
            fcntl(f.pipes[i], F_SETFL, O_NONBLOCK);
    int wait_error = 0, rc = talk_with(&f, task, &wait_error, err);
    drain_pipe(&f, 1);
    drain_pipe(&f, 2);
    cenv_fd_close(f.watch);
    close_all(streams->ours);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (rc == 0 && wait_error < 0)
        rc = cenv_error_os(err, -wait_error, NULL, "cannot wait for a program");
    return rc == 0 && is_too_much(&f) ? fail_too_much(talk, err) : rc;
}

int cenv_proc_run(const struct cenv_proc *proc, struct cenv_buf *output,
                  struct cenv_proc_status *status, struct cenv_task *task,
                  struct cenv_error *err)
{
    static const int wanted[3] = {CENV_PROC_NULL, CENV_PROC_PIPE, CENV_PROC_STDOUT};
    struct cenv_proc_talk talk = {
        .said = {output}, .timeout_ms = -1, .until_exit = true, .drop = true};
    struct cenv_proc_streams streams;
    int pid, rc = cenv_proc_streams_open(&streams, wanted, err);
    if (rc < 0)
        return rc;
    rc = cenv_proc_start(proc, &streams, &pid, err);
    cenv_proc_streams_hand_over(&streams);
    if (rc == 0)
        return cenv_proc_follow(pid, &streams, &talk, status, task, err);
    cenv_proc_streams_release(&streams);
    return rc;
}
