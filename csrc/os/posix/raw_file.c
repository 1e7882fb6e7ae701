/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts, opening, names and metadata of files: thin shells around the system's calls. */
#include "os/raw_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

_Static_assert(CENV_CWD == AT_FDCWD, "CENV_CWD is AT_FDCWD");

#ifdef __APPLE__
#define MTIME st_mtimespec
#define CTIME st_ctimespec
#else
#define MTIME st_mtim
#define CTIME st_ctim
#endif

static int rc_of(long result)
{
    return result < 0 ? -errno : (int)result;
}

/* Closed twice, a descriptor may be another thread's by then: a test build stops at that. */
void cenv_fd_close(int fd)
{
    int saved = errno;
    bool wrong = fd >= 0 && close(fd) < 0 && errno == EBADF;
#ifdef CENV_FAULTS
    if (wrong)
        __builtin_trap();
#endif
    (void)wrong;
    errno = saved;
}

int cenv_raw_close(int fd)
{
    /* The descriptor is free also when it says EINTR: never retry. */
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

int cenv_raw_dup(int fd)
{
    return rc_of(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

static enum cenv_file_type type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return CENV_FT_FILE;
    case S_IFDIR:
        return CENV_FT_DIR;
    case S_IFLNK:
        return CENV_FT_SYMLINK;
    case S_IFCHR:
    case S_IFBLK:
        return CENV_FT_DEVICE;
    default:
        return CENV_FT_OTHER;
    }
}

static int64_t ns_of(struct timespec at)
{
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void take_stat(const struct stat *st, struct cenv_stat *out)
{
    *out = (struct cenv_stat){
        .type = type_of(st->st_mode),
        .mode = st->st_mode & 07777,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .nlink = st->st_nlink,
        .dev = (uint64_t)st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .blocks = (uint64_t)st->st_blocks * 512,
        .mtime_ns = ns_of(st->MTIME),
        .ctime_ns = ns_of(st->CTIME),
    };
}

int cenv_raw_stat(int dirfd, const char *name, struct cenv_stat *out)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    take_stat(&st, out);
    return 0;
}

int cenv_raw_stat_fd(int fd, struct cenv_stat *out)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    take_stat(&st, out);
    return 0;
}

int cenv_raw_is_dir(int dirfd, const char *name)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, 0) < 0)
        return cenv_raw_is_absent(-errno) ? 0 : -errno;
    return S_ISDIR(st.st_mode);
}

uint32_t cenv_fs_uid(void)
{
    return geteuid();
}

uint32_t cenv_fs_gid(void)
{
    return getegid();
}

uint64_t cenv_raw_free_bytes(int dirfd)
{
    struct statvfs st;
    int rc = dirfd == CENV_CWD ? statvfs(".", &st) : fstatvfs(dirfd, &st);
    return rc == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
}

int cenv_raw_open_root(const char *path)
{
    return rc_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int cenv_raw_open_dir(int dirfd, const char *name)
{
    return rc_of(openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* O_NONBLOCK: a FIFO must not hang us; it has no effect on the regular files that pass. */
static int open_regular(int dirfd, const char *name, int flags, struct cenv_stat *st)
{
    struct cenv_stat own;
    struct cenv_stat *got = st ? st : &own;
    int fd = rc_of(
        openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags));
    if (fd < 0)
        return fd;
    int rc = cenv_raw_stat_fd(fd, got);
    if (rc == 0 && got->type != CENV_FT_FILE)
        rc = got->type == CENV_FT_DIR ? -EISDIR : -EINVAL;
    if (rc == 0)
        return fd;
    cenv_fd_close(fd);
    return rc;
}

int cenv_raw_open_file(int dirfd, const char *name, struct cenv_stat *st)
{
    return open_regular(dirfd, name, O_NOFOLLOW, st);
}

int cenv_raw_open_named(const char *path, struct cenv_stat *st)
{
    return open_regular(CENV_CWD, path, 0, st);
}

int cenv_raw_create(int dirfd, const char *name, unsigned mode)
{
    int fd =
        openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

int cenv_raw_open_lock(int dirfd, const char *name, bool exclusive)
{
    int flags = O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(dirfd, name, flags | O_RDWR, 0600);
    int why = fd < 0 ? -errno : 0;
    if (!exclusive && (why == -EACCES || why == -EROFS))
        fd = openat(dirfd, name, (flags & ~O_CREAT) | O_RDONLY);
    return fd < 0 ? why : fd;
}

int cenv_raw_mkdir(int dirfd, const char *name, unsigned mode)
{
    return rc_of(mkdirat(dirfd, name, (mode_t)mode));
}

int cenv_raw_link(int from_dir, const char *from, int to_dir, const char *to)
{
    return rc_of(linkat(from_dir, from, to_dir, to, 0));
}

int cenv_raw_symlink(const char *target, int dirfd, const char *name)
{
    return rc_of(symlinkat(target, dirfd, name));
}

int64_t cenv_raw_readlink(int dirfd, const char *name, char *text, size_t size)
{
    ssize_t n = readlinkat(dirfd, name, text, size);
    return n < 0 ? -errno : n;
}

int cenv_raw_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    return rc_of(renameat(from_dir, from, to_dir, to));
}

int cenv_raw_unlink(int dirfd, const char *name)
{
    return rc_of(unlinkat(dirfd, name, 0));
}

int cenv_raw_rmdir(int dirfd, const char *name)
{
    return rc_of(unlinkat(dirfd, name, AT_REMOVEDIR));
}

int cenv_raw_chmod(int dirfd, const char *name, unsigned mode)
{
    return rc_of(fchmodat(dirfd, name, (mode_t)mode, AT_SYMLINK_NOFOLLOW));
}

int cenv_raw_chmod_fd(int fd, unsigned mode)
{
    return rc_of(fchmod(fd, (mode_t)mode));
}

static struct timespec timespec_of(int64_t ns)
{
    int64_t rest = ns % 1000000000;
    if (rest < 0)
        rest += 1000000000;
    return (struct timespec){.tv_sec = (ns - rest) / 1000000000, .tv_nsec = rest};
}

int cenv_raw_set_mtime(int dirfd, const char *name, int64_t mtime_ns)
{
    struct timespec both[2] = {timespec_of(mtime_ns), timespec_of(mtime_ns)};
    return rc_of(utimensat(dirfd, name, both, AT_SYMLINK_NOFOLLOW));
}

int cenv_raw_set_mtime_fd(int fd, int64_t mtime_ns)
{
    struct timespec both[2] = {timespec_of(mtime_ns), timespec_of(mtime_ns)};
    return rc_of(futimens(fd, both));
}
