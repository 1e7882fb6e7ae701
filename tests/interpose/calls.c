/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A library to preload: calls that change a file system are counted, and the n-th one fails, or
 * ends the process as a kill would. Processes that it starts count from one again.
 *
 *     CENV_TEST_REFUSE=<name>:<n>:<errno>   the n-th call of that name fails; n 0: every one
 *     CENV_TEST_KILL=<n>                    SIGKILL in the place of the n-th call of any name
 *     CENV_TEST_COUNT=<file>                the number of calls is written there at the end
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char name_refused[32];
static long nth_refused = -1, nth_killed;
static int error_given;
static atomic_long calls, named_calls;

__attribute__((constructor)) static void read_wishes(void)
{
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
        fprintf(file, "%ld\n", (long)calls);
        fclose(file);
    }
}

/* Whether the call is to fail, with errno set. */
static bool is_refused(const char *name)
{
    if (atomic_fetch_add(&calls, 1) + 1 == nth_killed)
        kill(getpid(), SIGKILL);
    if (nth_refused < 0 || strcmp(name, name_refused) != 0)
        return false;
    long n = atomic_fetch_add(&named_calls, 1) + 1;
    if (nth_refused && n != nth_refused)
        return false;
    errno = error_given;
    return true;
}

/* The definition of a call: its name here, in wishes, what it takes and what it passes on. */
#define CALL(type, function, name, takes, passes) \
    type function takes \
    { \
        static type(*next) takes; \
        if (!next) \
            next = (type(*) takes)dlsym(RTLD_NEXT, #function); \
        return is_refused(name) ? -1 : next passes; \
    }

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

/* Only opens that can make a file or cut one. */
static int open_next(int dir, const char *path, int flags, mode_t mode)
{
    static int (*next)(int, const char *, int, ...);
    if (!next)
        next = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    if ((flags & (O_CREAT | O_TRUNC)) && is_refused("create"))
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
        return open_next(dir, path, flags, mode); \
    }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int dir, const char *path, int flags, ...), dir)
OPEN(openat64, (int dir, const char *path, int flags, ...), dir)

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
    if (number == SYS_renameat2 && is_refused("rename"))
        return -1;
    return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
