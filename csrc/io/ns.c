/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views of the file system: see ns.h. */
#include "io/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything between fork and exec below the line "steps" is async-signal-safe: no allocation, no
 * locks, snprintf only of integers. A step that fails says so by its number and errno.
 */
enum step {
    STEP_NONE,
    STEP_UNSHARE,
    STEP_MAP,
    STEP_PRIVATE,
    STEP_OPEN,
    STEP_TMPFS,
    STEP_DIRECTORIES,
    STEP_OVERLAY,
    STEP_STDIO,
    STEP_CWD,
    STEP_EXEC,
};

struct failure {
    int step;  /* enum step */
    int error; /* errno */
};

static const char *const step_names[] = {
    [STEP_NONE] = "",
    [STEP_UNSHARE] = "making a mount namespace",
    [STEP_MAP] = "mapping the user to itself",
    [STEP_PRIVATE] = "making mounts private",
    [STEP_OPEN] = "opening the prefix",
    [STEP_TMPFS] = "mounting a tmpfs",
    [STEP_DIRECTORIES] = "making the overlay's directories",
    [STEP_OVERLAY] = "mounting the overlay",
    [STEP_STDIO] = "setting up standard input and output",
    [STEP_CWD] = "changing to the working directory",
    [STEP_EXEC] = "starting the program",
};

/* ---- steps ---- */

static struct failure fail_at(enum step step)
{
    return (struct failure){.step = step, .error = errno};
}

static const struct failure no_failure = {STEP_NONE, 0};

static int write_file(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t wrote = write(fd, text, len);
    int error = errno;
    close(fd);
    errno = error;
    return wrote == (ssize_t)len ? 0 : -1;
}

static int write_id_map(const char *path, unsigned id)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%u %u 1", id, id);
    return write_file(path, text, (size_t)len);
}

/* The user stays who it is: root of the namespace only until the next exec. */
static struct failure enter_user_namespace(void)
{
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return fail_at(STEP_UNSHARE);
    if (write_file("/proc/self/setgroups", "deny", 4) < 0 && errno != ENOENT)
        return fail_at(STEP_MAP);
    if (write_id_map("/proc/self/uid_map", uid) < 0 ||
        write_id_map("/proc/self/gid_map", gid) < 0)
        return fail_at(STEP_MAP);
    return no_failure;
}

static struct failure enter(void)
{
    if (unshare(CLONE_NEWNS) < 0) {
        if (errno != EPERM)
            return fail_at(STEP_UNSHARE);
        struct failure failure = enter_user_namespace();
        if (failure.step)
            return failure;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail_at(STEP_PRIVATE);
    return no_failure;
}

/*
 * Directories go by descriptor: their paths may hold what mount options cannot (',' ':' '\\').
 * `more`: as root, marks of deleted files are trusted.* attributes; in a user namespace (Linux
 * 5.11) they are user.*.
 */
static int try_overlay(int lower, int upper, int work, const char *target,
                       const char *more)
{
    char options[160];
    snprintf(
        options, sizeof(options),
        "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d%s",
        lower, upper, work, more);
    return mount("overlay", target, "overlay", 0, options);
}

static int mount_overlay(int lower, int upper, int work, const char *target)
{
    if (try_overlay(lower, upper, work, target, "") == 0)
        return 0;
    return try_overlay(lower, upper, work, target, ",userxattr");
}

static int open_directory(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int make_and_open(int dir, const char *name, mode_t mode)
{
    if (mkdirat(dir, name, 0700) < 0 || fchmodat(dir, name, mode, 0) < 0)
        return -1;
    return openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Mounts the overlay and closes the two directories; -1 for one that could not be opened. */
static struct failure mount_on(const char *prefix, int lower, int upper, int work)
{
    struct failure failure = no_failure;
    if (upper < 0 || work < 0)
        return fail_at(STEP_DIRECTORIES);
    if (mount_overlay(lower, upper, work, prefix) < 0)
        failure = fail_at(STEP_OVERLAY);
    close(work);
    close(upper);
    return failure;
}

/* A tmpfs is mounted over the prefix itself, and hidden by the overlay in turn: no directory
 * anywhere is needed for it, and nothing is left when the namespace ends. */
static struct failure overlay_on_tmpfs(const char *prefix, int lower)
{
    struct stat st;
    if (fstat(lower, &st) < 0)
        return fail_at(STEP_OPEN);
    if (mount("tmpfs", prefix, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
        return fail_at(STEP_TMPFS);
    int top = open_directory(prefix);
    int upper = top < 0 ? -1 : make_and_open(top, "upper", st.st_mode & 07777);
    int work = upper < 0 ? -1 : make_and_open(top, "work", 0700);
    struct failure failure = mount_on(prefix, lower, upper, work);
    if (top >= 0)
        close(top);
    return failure;
}

static struct failure overlay_on_directories(const char *prefix, int lower,
                                             const char *upper_path,
                                             const char *work_path)
{
    int upper = open_directory(upper_path);
    int work = upper < 0 ? -1 : open_directory(work_path);
    return mount_on(prefix, lower, upper, work);
}

static struct failure overlay_self(const char *prefix, const char *upper,
                                   const char *work)
{
    int lower = open_directory(prefix);
    if (lower < 0)
        return fail_at(STEP_OPEN);
    struct failure failure = upper ? overlay_on_directories(prefix, lower, upper, work)
                                   : overlay_on_tmpfs(prefix, lower);
    close(lower);
    return failure;
}

/* ---- errors ---- */

static bool file_says(const char *path, char digit)
{
    char text[8] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    return len > 0 && text[0] == digit;
}

static const char *hint_for(struct failure failure)
{
    if (file_says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
        return "AppArmor restricts user namespaces here: "
               "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run as root";
    if (file_says("/proc/sys/kernel/unprivileged_userns_clone", '0'))
        return "user namespaces are off here: sysctl kernel.unprivileged_userns_clone=1, "
               "or run as root";
    if (failure.step == STEP_UNSHARE && failure.error == EINVAL)
        return "the process already has several threads: enter before any is started";
    if (failure.step == STEP_OVERLAY && failure.error == ENODEV)
        return "this kernel has no overlay file system: modprobe overlay";
    return "containers need CAP_SYS_ADMIN for this; a clone works without";
}

static int report(struct cenv_error *err, struct failure failure, const char *what)
{
    if (failure.step == STEP_NONE)
        return 0;
    if (failure.step >= STEP_STDIO || failure.step == STEP_OPEN)
        return cenv_error_os(err, failure.error, what, "%s", step_names[failure.step]);
    char reason[128];
    cenv_error_set(err, CENV_ELINK, "no private view of '%s' here: %s: %s", what,
                   step_names[failure.step],
                   strerror_r(failure.error, reason, sizeof(reason)));
    return cenv_error_hint(err, "%s", hint_for(failure));
}

/* ---- public ---- */

int cenv_ns_enter(struct cenv_error *err)
{
    return report(err, enter(), "/");
}

int cenv_ns_overlay_self(const char *prefix, const char *upper, const char *work,
                         struct cenv_error *err)
{
    return report(err, overlay_self(prefix, upper, work), prefix);
}

/* Reads what the child wrote before it ended; nothing means that it went well. */
static struct failure read_failure(int fd)
{
    struct failure failure = no_failure;
    ssize_t len;
    do
        len = read(fd, &failure, sizeof(failure));
    while (len < 0 && errno == EINTR);
    return len == (ssize_t)sizeof(failure) ? failure : no_failure;
}

static void tell(int fd, struct failure failure)
{
    ssize_t wrote = write(fd, &failure, sizeof(failure));
    (void)wrote; /* nobody is left to be told */
}

static int reap(int pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

bool cenv_ns_works(const char *directory, struct cenv_buf *reason)
{
    struct cenv_error err = CENV_ERROR_INIT;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    int pid = fork();
    if (pid == 0) {
        struct failure failure = enter();
        if (!failure.step)
            failure = overlay_self(directory, NULL, NULL);
        if (failure.step)
            tell(ends[1], failure);
        _exit(0);
    }
    close(ends[1]);
    struct failure failure = pid < 0 ? fail_at(STEP_UNSHARE) : read_failure(ends[0]);
    close(ends[0]);
    if (pid > 0)
        reap(pid);
    if (report(&err, failure, directory) == 0)
        return true;
    char text[128];
    cenv_buf_addf(reason, "%s: %s", step_names[failure.step],
                  strerror_r(failure.error, text, sizeof(text)));
    if (err.hint[0])
        cenv_buf_addf(reason, " (%s)", err.hint);
    cenv_error_release(&err);
    return false;
}

static struct failure set_stdio(const int *stdio)
{
    for (int target = 0; target < 3; target++)
        if (stdio[target] >= 0 && dup2(stdio[target], target) < 0)
            return fail_at(STEP_STDIO);
    return no_failure;
}

/* By its path, again: a directory inside the prefix is another one in the view. */
static struct failure set_cwd(const char *cwd)
{
    return chdir(cwd) < 0 ? fail_at(STEP_CWD) : no_failure;
}

/* Lists of `const char *const *` are what exec reads; its prototype is older than const. */
union list {
    const char *const *given;
    char *const *wanted;
};

static struct failure become(const struct cenv_view_command *command)
{
    struct failure failure = enter();
    if (!failure.step)
        failure = overlay_self(command->prefix, NULL, NULL);
    if (!failure.step)
        failure = set_cwd(command->cwd);
    if (!failure.step)
        failure = set_stdio(command->stdio);
    if (failure.step)
        return failure;
    if (command->new_session)
        setsid();
    signal(SIGPIPE, SIG_DFL); /* Python ignores it, which exec would pass on */
    union list argv = {.given = command->argv}, envp = {.given = command->envp};
    execve(command->program, argv.wanted, envp.wanted);
    return fail_at(STEP_EXEC);
}

static const char *subject_of(const struct cenv_view_command *command,
                              struct failure failure)
{
    if (failure.step == STEP_EXEC)
        return command->program;
    return failure.step == STEP_CWD ? command->cwd : command->prefix;
}

int cenv_view_start(const struct cenv_view_command *command, int *pid,
                    struct cenv_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cenv_error_os(err, errno, NULL, "making a pipe");
    int child = fork();
    if (child == 0) {
        tell(ends[1], become(command));
        _exit(127);
    }
    int error = errno;
    close(ends[1]);
    struct failure failure = child < 0 ? no_failure : read_failure(ends[0]);
    close(ends[0]);
    if (child < 0)
        return cenv_error_os(err, error, NULL, "starting a process");
    if (failure.step) {
        reap(child);
        return report(err, failure, subject_of(command, failure));
    }
    *pid = child;
    return 0;
}
