/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A library to preload: calls that change a file system are counted, and the n-th one fails, or
 * ends the process as a kill would. Programs that it starts count from one again.
 *
 *     CENV_TEST_REFUSE=<name>:<n>:<errno>   the n-th call of that name fails; n 0: every one
 *     CENV_TEST_KILL=<n>                    SIGKILL in the place of the n-th call of any name
 *     CENV_TEST_COUNT=<file>                the number of calls is written there at the end
 *     CENV_TEST_STACK=1                     the stack of a refused call goes to standard error
 *
 * Calls that only look, and allocations ("memory"), can be refused, but are not counted for a kill.
 * A process may arm itself, and then only calls that cenv and its libraries make are refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char name_refused[32];
static long nth_refused = -1, nth_killed;
static int error_given;
static struct counts {
    atomic_long calls, named;
} own_counts, *counts = &own_counts;
static bool stack_wanted;

__attribute__((constructor)) static void read_wishes(void)
{
    stack_wanted = getenv("CENV_TEST_STACK") != NULL;
    const char *refuse = getenv("CENV_TEST_REFUSE"),
               *kill_at = getenv("CENV_TEST_KILL");
    if (refuse &&
        sscanf(refuse, "%31[^:]:%ld:%d", name_refused, &nth_refused, &error_given) != 3)
        abort();
    if (kill_at)
        nth_killed = strtol(kill_at, NULL, 10);
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("CENV_TEST_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", (long)counts->calls);
        fclose(file);
    }
}

/* ---- a process that arms itself ---- */

/* Code of cenv and of its libraries; none: any code. */
enum { WATCHED_MAX = 128 };
static struct {
    uintptr_t begin, end;
} watched[WATCHED_MAX];
static size_t nr_watched;

static int watch_object(struct dl_phdr_info *object, size_t size, void *ctx)
{
    static const char *const names[] = {
        "/_cenv",    "/libcjson", "/libzstd",   "/libbz2",     "/liblzma", "/libz.",
        "/libmpack", "/libpcre2", "/libcrypto", "/libstdc++.", "/libcurl."};
    (void)size;
    (void)ctx;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (int k = 0; strstr(object->dlpi_name, names[i]) && k < object->dlpi_phnum;
             k++)
            if (object->dlpi_phdr[k].p_type == PT_LOAD && nr_watched < WATCHED_MAX) {
                uintptr_t begin = object->dlpi_addr + object->dlpi_phdr[k].p_vaddr;
                watched[nr_watched].begin = begin;
                watched[nr_watched++].end = begin + object->dlpi_phdr[k].p_memsz;
            }
    return 0;
}

/* Processes that are forked from now on count with this one. */
static void share_counts(void)
{
    void *shared =
        (void *)syscall(SYS_mmap, NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    counts = shared;
}

/* From now on the n-th call of that name fails, where cenv makes it; n -1: none. Calls are counted
 * from zero. */
void cenv_test_arm(const char *name, long n, int error)
{
    nth_refused = -1;
    nr_watched = 0;
    dl_iterate_phdr(watch_object, NULL);
    snprintf(name_refused, sizeof(name_refused), "%s", name);
    error_given = error;
    share_counts();
    nth_refused = n;
}

/* How many calls of that name were made since. */
long cenv_test_count(void)
{
    return counts->named;
}

/* From now on SIGKILL comes in the place of the n-th change of a file system; n 0: of none. Changes
 * are counted from zero. */
void cenv_test_kill_at(long n)
{
    share_counts();
    nth_killed = n;
}

/* How many changes were made since. */
long cenv_test_changes(void)
{
    return counts->calls;
}

static bool is_watched(const void *from)
{
    bool found = nr_watched == 0;
    for (size_t i = 0; i < nr_watched && !found; i++)
        found = (uintptr_t)from >= watched[i].begin && (uintptr_t)from < watched[i].end;
    return found;
}

/* ---- calls ---- */

/* For addr2line: where the refused call comes from. */
static void show_stack(void)
{
    static __thread bool busy;
    void *stack[64];
    if (busy || !stack_wanted)
        return;
    busy = true;
    backtrace_symbols_fd(stack, backtrace(stack, 64), STDERR_FILENO);
    busy = false;
}

/* Whether the call is to fail, with errno set. */
static bool is_refused(const char *name, bool changes, const void *from)
{
    if (changes && atomic_fetch_add(&counts->calls, 1) + 1 == nth_killed)
        kill(getpid(), SIGKILL);
    if (nth_refused < 0 || strcmp(name, name_refused) != 0 || !is_watched(from))
        return false;
    long n = atomic_fetch_add(&counts->named, 1) + 1;
    if (nth_refused && n != nth_refused)
        return false;
    show_stack();
    errno = error_given;
    return true;
}

#define CALLER __builtin_return_address(0)

/* The definition of a call: its name here, in wishes, what it takes and what it passes on. */
#define DEFINE(type, function, name, changes, failure, takes, passes) \
    type function takes \
    { \
        static type(*next) takes; \
        if (!next) \
            next = (type(*) takes)dlsym(RTLD_NEXT, #function); \
        return is_refused(name, changes, CALLER) ? failure : next passes; \
    }
#define CALL(type, function, name, takes, passes) \
    DEFINE(type, function, name, true, -1, takes, passes)
#define LOOK(type, function, name, takes, passes) \
    DEFINE(type, function, name, false, -1, takes, passes)

CALL(ssize_t, write, "write", (int fd, const void *data, size_t len), (fd, data, len))
CALL(ssize_t, pwrite, "write", (int fd, const void *data, size_t len, off_t at),
     (fd, data, len, at))
CALL(ssize_t, pwrite64, "write", (int fd, const void *data, size_t len, off64_t at),
     (fd, data, len, at))
CALL(ssize_t, writev, "write", (int fd, const struct iovec *v, int nr), (fd, v, nr))
CALL(ssize_t, pwritev, "write", (int fd, const struct iovec *v, int nr, off_t at),
     (fd, v, nr, at))
CALL(ssize_t, pwritev64, "write", (int fd, const struct iovec *v, int nr, off64_t at),
     (fd, v, nr, at))
CALL(ssize_t, copy_file_range, "write",
     (int in, off64_t *from, int out, off64_t *to, size_t len, unsigned flags),
     (in, from, out, to, len, flags))
CALL(ssize_t, sendfile, "write", (int out, int in, off_t *at, size_t len),
     (out, in, at, len))
CALL(int, ftruncate, "truncate", (int fd, off_t size), (fd, size))
CALL(int, ftruncate64, "truncate", (int fd, off64_t size), (fd, size))
CALL(int, mkdir, "mkdir", (const char *path, mode_t mode), (path, mode))
CALL(int, mkdirat, "mkdir", (int dir, const char *path, mode_t mode), (dir, path, mode))
CALL(int, linkat, "link",
     (int from_dir, const char *from, int to_dir, const char *to, int flags),
     (from_dir, from, to_dir, to, flags))
CALL(int, symlinkat, "symlink", (const char *target, int dir, const char *path),
     (target, dir, path))
CALL(int, rename, "rename", (const char *from, const char *to), (from, to))
CALL(int, renameat, "rename",
     (int from_dir, const char *from, int to_dir, const char *to),
     (from_dir, from, to_dir, to))
CALL(int, renameat2, "rename",
     (int from_dir, const char *from, int to_dir, const char *to, unsigned flags),
     (from_dir, from, to_dir, to, flags))
CALL(int, unlink, "unlink", (const char *path), (path))
CALL(int, unlinkat, "unlink", (int dir, const char *path, int flags),
     (dir, path, flags))
CALL(int, rmdir, "unlink", (const char *path), (path))
CALL(int, fchmod, "chmod", (int fd, mode_t mode), (fd, mode))
CALL(int, fchmodat, "chmod", (int dir, const char *path, mode_t mode, int flags),
     (dir, path, mode, flags))
CALL(int, futimens, "utimens", (int fd, const struct timespec times[2]), (fd, times))
CALL(int, utimensat, "utimens",
     (int dir, const char *path, const struct timespec times[2], int flags),
     (dir, path, times, flags))
CALL(int, fsetxattr, "xattr",
     (int fd, const char *name, const void *value, size_t size, int flags),
     (fd, name, value, size, flags))
CALL(int, syncfs, "sync", (int fd), (fd))
CALL(int, fsync, "sync", (int fd), (fd))
CALL(int, fdatasync, "sync", (int fd), (fd))

LOOK(ssize_t, read, "read", (int fd, void *data, size_t len), (fd, data, len))
LOOK(ssize_t, pread, "read", (int fd, void *data, size_t len, off_t at),
     (fd, data, len, at))
LOOK(ssize_t, pread64, "read", (int fd, void *data, size_t len, off64_t at),
     (fd, data, len, at))
LOOK(ssize_t, getdents64, "list", (int fd, void *data, size_t len), (fd, data, len))
LOOK(int, fstat, "stat", (int fd, struct stat *st), (fd, st))
LOOK(int, fstat64, "stat", (int fd, struct stat64 *st), (fd, st))
LOOK(int, fstatat, "stat", (int dir, const char *path, struct stat *st, int flags),
     (dir, path, st, flags))
LOOK(int, fstatat64, "stat", (int dir, const char *path, struct stat64 *st, int flags),
     (dir, path, st, flags))
LOOK(int, statx, "stat",
     (int dir, const char *path, int flags, unsigned mask, struct statx *st),
     (dir, path, flags, mask, st))
/* What a program for glibc before 2.33 calls: headers of those made fstat of it. */
#define OLD_STAT(function, successor, types, takes, passes) \
    int function takes \
    { \
        static int(*next) types; \
        if (!next) \
            next = (int(*) types)dlsym(RTLD_NEXT, #successor); \
        return is_refused("stat", false, CALLER) ? -1 : next passes; \
    }

OLD_STAT(__fxstat, fstat, (int, struct stat *), (int version, int fd, struct stat *st),
         (fd, st))
OLD_STAT(__fxstat64, fstat64, (int, struct stat64 *),
         (int version, int fd, struct stat64 *st), (fd, st))
OLD_STAT(__fxstatat, fstatat, (int, const char *, struct stat *, int),
         (int version, int dir, const char *path, struct stat *st, int flags),
         (dir, path, st, flags))
OLD_STAT(__fxstatat64, fstatat64, (int, const char *, struct stat64 *, int),
         (int version, int dir, const char *path, struct stat64 *st, int flags),
         (dir, path, st, flags))

/* As compilers call them where they do not know how much room there is. */
LOOK(ssize_t, __read_chk, "read", (int fd, void *data, size_t len, size_t room),
     (fd, data, len, room))
LOOK(int, fstatfs, "statfs", (int fd, struct statfs *st), (fd, st))
LOOK(int, fstatfs64, "statfs", (int fd, struct statfs64 *st), (fd, st))
LOOK(ssize_t, readlinkat, "readlink",
     (int dir, const char *path, char *data, size_t len), (dir, path, data, len))
DEFINE(void *, mmap, "mmap", false, MAP_FAILED,
       (void *at, size_t len, int protection, int flags, int fd, off_t offset),
       (at, len, protection, flags, fd, offset))
DEFINE(void *, mmap64, "mmap", false, MAP_FAILED,
       (void *at, size_t len, int protection, int flags, int fd, off64_t offset),
       (at, len, protection, flags, fd, offset))
DEFINE(pid_t, fork, "fork", false, -1, (void), ())
DEFINE(int, posix_spawn, "fork", false, error_given,
       (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *how, char *const argv[], char *const env[]),
       (pid, path, actions, how, argv, env))
DEFINE(int, pthread_create, "thread", false, error_given,
       (pthread_t * thread, const pthread_attr_t *how, void *(*main)(void *),
        void *arg),
       (thread, how, main, arg))

/* A descriptor is closed whatever close says of it. */
int close(int fd)
{
    static int (*next)(int);
    if (!next)
        next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    int rc = next(fd);
    return is_refused("close", false, CALLER) ? -1 : rc;
}

/* Both take one further argument, or none, which does no harm on any machine that we know. */
#define ONE_MORE(function, name, type, changes) \
    int function(int fd, type what, ...) \
    { \
        static int (*next)(int, type, ...); \
        va_list rest; \
        va_start(rest, what); \
        void *arg = va_arg(rest, void *); \
        va_end(rest); \
        if (!next) \
            next = (int (*)(int, type, ...))dlsym(RTLD_NEXT, #function); \
        return is_refused(name, changes, CALLER) ? -1 : next(fd, what, arg); \
    }

/* Of btrfs, whose requests others have taken over: extents are shared, subvolumes come and go. */
#define MAKES_SUBVOLUMES (_IOC_TYPE(what) == 0x94 && _IOC_DIR(what) == _IOC_WRITE)

ONE_MORE(fcntl, "fcntl", int, false)
ONE_MORE(fcntl64, "fcntl", int, false)
ONE_MORE(ioctl, "ioctl", unsigned long, MAKES_SUBVOLUMES)

/* dlsym allocates, so the C library's allocator is called by its own names. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t nr, size_t size);
extern void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size)
{
    return is_refused("memory", false, CALLER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
    return is_refused("memory", false, CALLER) ? NULL : __libc_calloc(nr, size);
}

void *realloc(void *block, size_t size)
{
    return is_refused("memory", false, CALLER) ? NULL : __libc_realloc(block, size);
}

/* Opens that can make a file or cut one are "create", the others "open". */
static int open_next(int dir, const char *path, int flags, mode_t mode,
                     const void *from)
{
    static int (*next)(int, const char *, int, ...);
    bool makes = flags & (O_CREAT | O_TRUNC);
    if (!next)
        next = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    if (is_refused(makes ? "create" : "open", makes, from))
        return -1;
    return next(dir, path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPEN(function, takes, dir) \
    int function takes \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = mode_of(flags, rest); \
        va_end(rest); \
        return open_next(dir, path, flags, mode, CALLER); \
    }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int dir, const char *path, int flags, ...), dir)
OPEN(openat64, (int dir, const char *path, int flags, ...), dir)

int __open_2(const char *path, int flags)
{
    return open_next(AT_FDCWD, path, flags, 0, CALLER);
}

int __openat_2(int dir, const char *path, int flags)
{
    return open_next(dir, path, flags, 0, CALLER);
}

/* Some calls have no function of their own everywhere. */
long syscall(long number, ...)
{
    static long (*next)(long, ...);
    long arg[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        arg[i] = va_arg(rest, long);
    va_end(rest);
    if (!next)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    if (number == SYS_renameat2 && is_refused("rename", true, CALLER))
        return -1;
    if (number == SYS_openat2 && is_refused("open", false, CALLER))
        return -1;
    if (number == SYS_getdents64 && is_refused("list", false, CALLER))
        return -1;
    return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
