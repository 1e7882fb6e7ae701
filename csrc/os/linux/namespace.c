/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views of the file system: see namespace.h. */
#include "os/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/linux/overlay_listing.h"
#include "os/linux/overlay_mount.h"
#include "os/linux/powers.h"

/*
 * Everything between fork and exec below the line "steps" is async-signal-safe: no allocation, no
 * locks, snprintf only of integers. A step that fails says so by its number and errno.
 */
enum step {
    STEP_NONE,
    STEP_UNSHARE,
    STEP_MAP,
    STEP_PRIVATE,
    STEP_POWERS,
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
    [STEP_POWERS] = "setting capabilities",
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
    return (struct failure){.step = (int)step, .error = errno};
}

static const struct failure no_failure = {STEP_NONE, 0};

static int write_text(const char *path, const char *text, size_t len)
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
    return write_text(path, text, (size_t)len);
}

/*
 * The user stays who it is. A new user namespace gives every capability in it; the process goes on
 * with those it had, so that tests of permissions find what they found before.
 */
static struct failure enter_user_namespace(void)
{
    unsigned uid = geteuid(), gid = getegid();
    struct cenv_powers had = {0}, now = {0};
    cenv_powers_call(SYS_capget, &had);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return fail_at(STEP_UNSHARE);
    if (write_text("/proc/self/setgroups", "deny", 4) < 0 && errno != ENOENT)
        return fail_at(STEP_MAP);
    if (write_id_map("/proc/self/uid_map", uid) < 0 ||
        write_id_map("/proc/self/gid_map", gid) < 0)
        return fail_at(STEP_MAP);
    if (cenv_powers_call(SYS_capget, &now) < 0)
        return fail_at(STEP_POWERS);
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        now.half[i].effective = had.half[i].effective;
    return cenv_powers_call(SYS_capset, &now) < 0 ? fail_at(STEP_POWERS) : no_failure;
}

/* Slave, not private: what the system unmounts later must not live on here. */
static struct failure enter_namespace(void)
{
    if (unshare(CLONE_NEWNS) < 0) {
        if (errno != EPERM)
            return fail_at(STEP_UNSHARE);
        struct failure failure = enter_user_namespace();
        if (failure.step)
            return failure;
    }
    struct cenv_powers had = cenv_powers_take_up();
    int rc = mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
    cenv_powers_lay_down(&had);
    return rc < 0 ? fail_at(STEP_PRIVATE) : no_failure;
}

/* ---- mounts ---- */

static struct failure mount_overlay(const char *target, const int *lower,
                                    unsigned nr_lower, int upper, int work)
{
    return cenv_overlay_mount(target, lower, nr_lower, upper, work) < 0
               ? fail_at(STEP_OVERLAY)
               : no_failure;
}

static struct failure mount_tmpfs(const char *target)
{
    struct cenv_powers had = cenv_powers_take_up();
    int rc = mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    cenv_powers_lay_down(&had);
    return rc < 0 ? fail_at(STEP_TMPFS) : no_failure;
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

/* The lower directories, open. */
struct lowers {
    int fds[CENV_OVERLAY_MAX];
    unsigned nr;
};

static void close_lowers(struct lowers *lowers)
{
    while (lowers->nr)
        close(lowers->fds[--lowers->nr]);
}

static struct failure open_lowers(const struct cenv_ns_shown *shown,
                                  struct lowers *lowers)
{
    unsigned nr = shown->nr_lower ? shown->nr_lower : 1;
    lowers->nr = 0;
    if (nr > CENV_OVERLAY_MAX) {
        errno = E2BIG;
        return fail_at(STEP_OVERLAY);
    }
    while (lowers->nr < nr) {
        int fd =
            open_directory(shown->nr_lower ? shown->lower[lowers->nr] : shown->target);
        if (fd < 0)
            return fail_at(STEP_OPEN);
        lowers->fds[lowers->nr++] = fd;
    }
    return no_failure;
}

/* Mounts the overlay and closes the two directories; -1 for one that could not be opened. */
static struct failure mount_on(const char *target, const struct lowers *lowers,
                               int upper, int work)
{
    if (upper < 0 || work < 0)
        return fail_at(STEP_DIRECTORIES);
    struct failure failure =
        mount_overlay(target, lowers->fds, lowers->nr, upper, work);
    close(work);
    close(upper);
    return failure;
}

/* A tmpfs is mounted over the target itself, and hidden by the overlay in turn: no directory
 * anywhere is needed for it, and nothing is left when the namespace ends. */
static struct failure overlay_on_tmpfs(const char *target, const struct lowers *lowers)
{
    struct stat st;
    if (fstat(lowers->fds[0], &st) < 0)
        return fail_at(STEP_OPEN);
    struct failure failure = mount_tmpfs(target);
    if (failure.step)
        return failure;
    int top = open_directory(target);
    int upper = top < 0 ? -1 : make_and_open(top, "upper", st.st_mode & 07777);
    int work = upper < 0 ? -1 : make_and_open(top, "work", 0700);
    failure = mount_on(target, lowers, upper, work);
    if (top >= 0)
        close(top);
    return failure;
}

static struct failure overlay_on_directories(const char *target,
                                             const struct lowers *lowers,
                                             const char *upper_path,
                                             const char *work_path)
{
    int upper = open_directory(upper_path);
    int work = upper < 0 ? -1 : open_directory(work_path);
    return mount_on(target, lowers, upper, work);
}

static struct failure show(const struct cenv_ns_shown *shown, const char *upper,
                           const char *work)
{
    struct lowers lowers;
    struct failure failure = open_lowers(shown, &lowers);
    if (!failure.step)
        failure = upper ? overlay_on_directories(shown->target, &lowers, upper, work)
                        : overlay_on_tmpfs(shown->target, &lowers);
    close_lowers(&lowers);
    for (unsigned i = 0; i < shown->nr_listed && !failure.step; i++)
        cenv_overlay_hold_listing(shown->listed[i]);
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
    if (failure.step == STEP_UNSHARE && failure.error == ENOSPC)
        return "no further namespace is allowed here: sysctl user.max_mnt_namespaces and "
               "user.max_user_namespaces";
    if (failure.step == STEP_OVERLAY && failure.error == ENODEV)
        return "this kernel has no overlay file system: modprobe overlay";
    if (failure.step == STEP_OVERLAY && failure.error == EINVAL)
        return "an overlay cannot lie on two others: clone an environment that lies on a "
               "plain file system";
    return "containers need CAP_SYS_ADMIN for this; a clone works without";
}

static int report_failure(struct cenv_error *err, struct failure failure,
                          const char *what)
{
    if (failure.step == STEP_NONE)
        return 0;
    if (failure.step >= STEP_STDIO || failure.step == STEP_OPEN)
        return cenv_error_os(err, failure.error, what, "%s", step_names[failure.step]);
    char reason[128];
    cenv_error_set(err, CENV_ELINK, "no private view of '%s' here: %s: %s", what,
                   step_names[failure.step],
                   cenv_error_text(failure.error, reason, sizeof(reason)));
    return cenv_error_hint(err, "%s", hint_for(failure));
}

/* ---- public ---- */

/* unshare moves the calling thread alone. */
static int check_threads(struct cenv_error *err)
{
    struct stat st;
    unsigned long nr = stat("/proc/self/task", &st) < 0 ? 1 : st.st_nlink - 2;
    if (nr <= 1)
        return 0;
    cenv_error_set(err, CENV_ELINK,
                   "a process with %lu threads cannot enter a mount namespace", nr);
    return cenv_error_hint(err,
                           "enter it before any thread is started: at the start of "
                           "the program, cenv.enter_overlay_namespace()");
}

int cenv_ns_enter(struct cenv_error *err)
{
    int rc = check_threads(err);
    if (rc < 0)
        return rc;
    return report_failure(err, enter_namespace(), "/");
}

int cenv_ns_name(struct cenv_buf *out, struct cenv_error *err)
{
    char name[64];
    ssize_t len = readlink("/proc/self/ns/mnt", name, sizeof(name) - 1);
    if (len < 0)
        return cenv_error_os(err, errno, "/proc/self/ns/mnt", "cannot read");
    return cenv_buf_add(out, name, (size_t)len) ? 0 : cenv_error_oom(err);
}

int cenv_ns_share(struct cenv_error *err)
{
    struct cenv_powers powers = {0};
    if (geteuid() == 0)
        return 0;
    if (cenv_powers_call(SYS_capget, &powers) < 0)
        return report_failure(err, fail_at(STEP_POWERS), "/");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        powers.half[i].inheritable = powers.half[i].permitted;
    if (cenv_powers_call(SYS_capset, &powers) < 0)
        return report_failure(err, fail_at(STEP_POWERS), "/");
    for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (powers.half[CAP_TO_INDEX(cap)].permitted & CAP_TO_MASK(cap))
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
    return 0;
}

int cenv_ns_settle(struct cenv_error *err)
{
    struct cenv_powers powers = {0};
    if (geteuid() == 0)
        return 0;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (cenv_powers_call(SYS_capget, &powers) < 0)
        return report_failure(err, fail_at(STEP_POWERS), "/");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        powers.half[i].inheritable = powers.half[i].effective = 0;
    if (cenv_powers_call(SYS_capset, &powers) < 0)
        return report_failure(err, fail_at(STEP_POWERS), "/");
    return 0;
}

int cenv_ns_mount_tmpfs(const char *target, struct cenv_error *err)
{
    return report_failure(err, mount_tmpfs(target), target);
}

int cenv_ns_mount_overlay(const char *target, const int *lower, unsigned nr_lower,
                          int upper, int work, struct cenv_error *err)
{
    return report_failure(err, mount_overlay(target, lower, nr_lower, upper, work),
                          target);
}

int cenv_ns_unmount(const char *target, const char *type, struct cenv_error *err)
{
    struct statfs facts;
    long want = strcmp(type, "overlay") == 0 ? OVERLAYFS_SUPER_MAGIC : TMPFS_MAGIC;
    if (statfs(target, &facts) < 0 || (long)facts.f_type != want)
        return 1;
    struct cenv_powers had = cenv_powers_take_up();
    int rc = umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    cenv_powers_lay_down(&had);
    if (rc == 0)
        return 0;
    return errno == EINVAL || errno == ENOENT || errno == EPERM
               ? 1
               : cenv_error_os(err, errno, target, "cannot unmount");
}

/* Older headers do not know it, and newer ones know it twice. */
enum { OPEN_TREE = 428, CLONE_IT = 1 };

/* A second mount of the same file system, which is nowhere yet. */
int cenv_ns_set_aside(const char *target, const char *type, int *kept,
                      struct cenv_error *err)
{
    struct cenv_powers had = cenv_powers_take_up();
    *kept = (int)syscall(OPEN_TREE, AT_FDCWD, target,
                         CLONE_IT | O_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    cenv_powers_lay_down(&had);
    if (*kept < 0 && (errno == ENOMEM || errno == EMFILE || errno == ENFILE))
        return cenv_error_os(err, errno, target, "cannot set aside what is mounted at");
    int rc = cenv_ns_unmount(target, type, err);
    if (rc != 0 && *kept >= 0)
        close(*kept);
    if (rc != 0)
        *kept = -1;
    return rc;
}

int cenv_ns_mount_kept(int kept, const char *target, struct cenv_error *err)
{
    int rc = cenv_overlay_move(kept, target);
    return rc < 0 ? cenv_error_os(err, errno, target, "cannot mount again") : 0;
}

int cenv_ns_show(const struct cenv_ns_shown *shown, const char *upper, const char *work,
                 struct cenv_error *err)
{
    return report_failure(err, show(shown, upper, work), shown->target);
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

static void tell_failure(int fd, struct failure failure)
{
    ssize_t wrote = write(fd, &failure, sizeof(failure));
    (void)wrote; /* nobody is left to be told */
}

static int reap_child(int pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

static struct failure show_it(const char *directory)
{
    return show(&(struct cenv_ns_shown){.target = directory}, NULL, NULL);
}

static struct failure take_each(const char *directory)
{
    int lower = open_directory(directory);
    struct failure failure = lower >= 0 && cenv_overlay_takes_each(lower)
                                 ? no_failure
                                 : fail_at(STEP_OVERLAY);
    if (lower >= 0)
        close(lower);
    return failure;
}

/* In a child: what half of it leaves behind in a process cannot be taken back. */
static struct failure try_in_child(struct failure (*step)(const char *directory),
                                   const char *directory)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail_at(STEP_UNSHARE);
    int pid = fork();
    if (pid == 0) {
        struct failure failure = enter_namespace();
        if (!failure.step)
            failure = step(directory);
        if (failure.step)
            tell_failure(ends[1], failure);
        _exit(0);
    }
    close(ends[1]);
    struct failure failure = pid < 0 ? fail_at(STEP_UNSHARE) : read_failure(ends[0]);
    close(ends[0]);
    if (pid > 0)
        reap_child(pid);
    return failure;
}

int cenv_ns_try(const char *directory, struct cenv_error *err)
{
    return report_failure(err, try_in_child(show_it, directory), directory);
}

bool cenv_ns_works(const char *directory, struct cenv_buf *reason)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct failure failure = try_in_child(show_it, directory);
    if (report_failure(&err, failure, directory) == 0)
        return true;
    char text[128];
    cenv_buf_addf(reason, "%s: %s", step_names[failure.step],
                  cenv_error_text(failure.error, text, sizeof(text)));
    if (err.hint[0])
        cenv_buf_addf(reason, " (%s)", err.hint);
    cenv_error_release(&err);
    return false;
}

bool cenv_ns_takes_many(const char *directory)
{
    return try_in_child(take_each, directory).step == STEP_NONE;
}

int cenv_raw_whiteout(int dirfd, const char *name)
{
    return mknodat(dirfd, name, S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
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

/* No handler of the parent's may run on memory that is the parent's. */
static void give_signals_back(const sigset_t *mask)
{
    struct sigaction action;
    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
            action.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_DFL); /* Python ignores both, which exec would pass on */
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
}

/* The value of PATH in the variables; without one nothing is found. */
static const char *path_of(const char *const *envp)
{
    while (*envp && strncmp(*envp, "PATH=", 5) != 0)
        envp++;
    return *envp ? *envp + 5 : "";
}

/* Tries the directories of PATH in turn, as execvpe does, an empty one for the working directory:
 * only here is the view to be seen. */
static void execute_by_name(const struct cenv_view_command *command, char *const *argv,
                            char *const *envp)
{
    char path[PATH_MAX];
    int refused = ENOENT;
    const char *at = path_of(command->envp);
    for (size_t len; *at; at += len + (at[len] == ':')) {
        len = strcspn(at, ":");
        if (len + strlen(command->program) + 2 > sizeof(path))
            continue;
        memcpy(path, at, len);
        path[len] = '/';
        memcpy(path + len + 1, command->program, strlen(command->program) + 1);
        execve(len ? path : command->program, argv, envp);
        if (errno != ENOENT && errno != ENOTDIR)
            refused = errno;
    }
    errno = refused;
}

static struct failure execute(const struct cenv_view_command *command)
{
    union list argv = {.given = command->argv}, envp = {.given = command->envp};
    if (strchr(command->program, '/'))
        execve(command->program, argv.wanted, envp.wanted);
    else
        execute_by_name(command, argv.wanted, envp.wanted);
    return fail_at(STEP_EXEC);
}

static struct failure become_program(const struct cenv_view_command *command,
                                     const sigset_t *mask)
{
    struct failure failure = enter_namespace();
    if (!failure.step)
        failure = show(&command->shown, NULL, NULL);
    if (!failure.step)
        failure = set_cwd(command->cwd);
    if (!failure.step)
        failure = set_stdio(command->stdio);
    if (failure.step)
        return failure;
    if (command->new_session)
        setsid();
    give_signals_back(mask);
    return execute(command);
}

static const char *subject_of(const struct cenv_view_command *command,
                              struct failure failure)
{
    if (failure.step == STEP_EXEC)
        return command->program;
    return failure.step == STEP_CWD ? command->cwd : command->shown.target;
}

/*
 * vfork: copying the page tables of a big test process costs more than all that the child does, and
 * a parent that waits leaves it the processor. The child shares memory until it execs, so that
 * signals are blocked meanwhile.
 */
static int start_child(const struct cenv_view_command *command, int fd)
{
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &mask);
    int child = vfork();
    if (child == 0) {
        tell_failure(fd, become_program(command, &mask));
        _exit(127);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = error;
    return child;
}

int cenv_view_start(const struct cenv_view_command *command, int *pid,
                    struct cenv_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cenv_error_os(err, errno, NULL, "making a pipe");
    int child = start_child(command, ends[1]);
    int error = errno;
    close(ends[1]);
    struct failure failure = child < 0 ? no_failure : read_failure(ends[0]);
    close(ends[0]);
    if (child < 0)
        return cenv_error_os(err, error, NULL, "starting a process");
    if (failure.step) {
        reap_child(child);
        return report_failure(err, failure, subject_of(command, failure));
    }
    *pid = child;
    return 0;
}
