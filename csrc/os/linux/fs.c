/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts, opening, names and metadata of files: thin shells around the system's calls. */
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/path.h"

_Static_assert(CENV_CWD == AT_FDCWD, "CENV_CWD is AT_FDCWD");

static int rc_of(long result)
{
    return result < 0 ? -errno : (int)result;
}

/* The path behind `fd` into text[size], by the kernel's own name of it; its length or 0. */
static size_t read_fd_path(int fd, char *text, size_t size)
{
    char link[40] = "/proc/self/cwd";
    if (fd != CENV_CWD)
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, text, size - 1);
    size_t n = len > 0 ? (size_t)len : 0;
    text[n] = '\0';
    return n;
}

/* What is left, for the reader of "No space left on device". */
static void hint_at_space(struct cenv_error *err, int dirfd)
{
    struct statvfs st;
    int rc = dirfd == CENV_CWD ? statvfs(".", &st) : fstatvfs(dirfd, &st);
    unsigned long long left =
        rc == 0 ? (unsigned long long)st.f_bavail * st.f_frsize >> 20 : 0;
    cenv_error_hint(err, "make room there (%llu MiB are left) or choose another place",
                    left);
}

int cenv_fs_fail(struct cenv_error *err, int rc, int dirfd, const char *name,
                 const char *what)
{
    char path[CENV_ERRPATH_MAX] = "";
    if (rc == -ENOMEM)
        return cenv_error_oom(err);
    size_t n = name && name[0] == '/' ? 0 : read_fd_path(dirfd, path, sizeof(path));
    if (name)
        snprintf(path + n, sizeof(path) - n, "%s%s", n && path[n - 1] != '/' ? "/" : "",
                 name);
    cenv_error_os(err, -rc, path, "%s", what);
    if (rc == -ENOSPC || rc == -EDQUOT)
        hint_at_space(err, dirfd);
    return err->status;
}

int cenv_fs_path_of(int dirfd, const char *name, struct cenv_buf *out)
{
    if (!name || name[0] != '/') {
        size_t n;
        size_t room = 512;
        char *at;
        do { /* a result that fills the room may be cut: ask again with more */
            room *= 2;
            at = cenv_buf_reserve(out, room);
            if (!at)
                return -1;
            n = read_fd_path(dirfd, at, room);
        } while (n + 1 >= room);
        out->len += n;
        if (name && n && at[n - 1] != '/')
            cenv_buf_putc(out, '/');
    }
    return name ? cenv_buf_puts(out, name) : 0;
}

void cenv_fd_close(int fd)
{
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
}

int cenv_raw_close(int fd)
{
    /* Linux frees the descriptor also when it says EINTR: never retry. */
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
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .blocks = (uint64_t)st->st_blocks * 512,
        .mtime_ns = ns_of(st->st_mtim),
        .ctime_ns = ns_of(st->st_ctim),
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

int cenv_fs_stat(int dirfd, const char *name, struct cenv_stat *out,
                 struct cenv_error *err)
{
    int rc = cenv_raw_stat(dirfd, name, out);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot look at") : 0;
}

bool cenv_fs_exists(int dirfd, const char *name)
{
    return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool cenv_fs_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

uint32_t cenv_fs_uid(void)
{
    return geteuid();
}

uint32_t cenv_fs_gid(void)
{
    return getegid();
}

int cenv_fs_open_root(const char *path, struct cenv_error *err)
{
    int fd = rc_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd < 0 ? cenv_fs_fail(err, fd, CENV_CWD, path, "cannot open directory") : fd;
}

int cenv_raw_open_dir(int dirfd, const char *name)
{
    return rc_of(openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

int cenv_fs_open_dir(int dirfd, const char *name, struct cenv_error *err)
{
    int fd = cenv_raw_open_dir(dirfd, name);
    return fd < 0 ? cenv_fs_fail(err, fd, dirfd, name, "cannot open directory") : fd;
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

int cenv_fs_open_file(int dirfd, const char *name, struct cenv_stat *st,
                      struct cenv_error *err)
{
    int fd = cenv_raw_open_file(dirfd, name, st);
    return fd < 0 ? cenv_fs_fail(err, fd, dirfd, name, "cannot open") : fd;
}

int cenv_fs_open_named(const char *path, struct cenv_stat *st, struct cenv_error *err)
{
    int fd = open_regular(CENV_CWD, path, 0, st);
    return fd < 0 ? cenv_fs_fail(err, fd, CENV_CWD, path, "cannot open") : fd;
}

/* Directories. */

int cenv_raw_mkdir(int dirfd, const char *name, unsigned mode)
{
    return rc_of(mkdirat(dirfd, name, mode));
}

int cenv_fs_mkdir(int dirfd, const char *name, unsigned mode, struct cenv_error *err)
{
    int rc = cenv_raw_mkdir(dirfd, name, mode);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot make directory") : 0;
}

static int mkdir_or_there(int dirfd, const char *path, unsigned mode)
{
    struct stat st;
    int rc = cenv_raw_mkdir(dirfd, path, mode);
    if (rc == -EEXIST)
        rc = fstatat(dirfd, path, &st, 0) == 0 && S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    return rc;
}

int cenv_fs_mkdirs(int dirfd, const char *path, unsigned mode, struct cenv_error *err)
{
    int rc = mkdir_or_there(dirfd, path, mode);
    if (rc != -ENOENT)
        return rc ? cenv_fs_fail(err, rc, dirfd, path, "cannot make directory") : 0;
    char *part = cenv_strdup(path);
    if (!part)
        return cenv_error_oom(err);
    rc = 0;
    for (char *at = part + 1; *part && *at && (rc == 0 || rc == -ENOENT); at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        rc = mkdir_or_there(dirfd, part, mode);
        *at = '/';
    }
    if (rc == 0)
        rc = mkdir_or_there(dirfd, path, mode);
    cenv_free(part);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, path, "cannot make directory") : 0;
}

char *cenv_fs_unique_name(const char *stem)
{
    uint64_t nonce = 0;
    struct cenv_buf name;
    if (getrandom(&nonce, sizeof(nonce), GRND_NONBLOCK) != sizeof(nonce))
        nonce = cenv_clock_ns();
    cenv_buf_init(&name, strlen(stem) + 64);
    cenv_buf_addf(&name, "%s-%ld-%016llx", stem, (long)getpid(),
                  (unsigned long long)nonce);
    return cenv_buf_detach(&name);
}

int cenv_fs_mkdir_temp(int dirfd, const char *stem, char **name, struct cenv_error *err)
{
    int rc = -EEXIST;
    for (int tries = 0; rc == -EEXIST && tries < 16; tries++) {
        char *unique = cenv_fs_unique_name(stem);
        if (!unique)
            return cenv_error_oom(err);
        rc = cenv_raw_mkdir(dirfd, unique, 0700);
        if (rc == 0)
            *name = unique;
        else
            cenv_free(unique);
    }
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, stem, "cannot make directory") : 0;
}

/* Names. */

int cenv_raw_link(int from_dir, const char *from, int to_dir, const char *to)
{
    return rc_of(linkat(from_dir, from, to_dir, to, 0));
}

int cenv_raw_symlink(const char *target, int dirfd, const char *name)
{
    return rc_of(symlinkat(target, dirfd, name));
}

int cenv_raw_whiteout(int dirfd, const char *name)
{
    return rc_of(mknodat(dirfd, name, S_IFCHR, makedev(0, 0)));
}

int cenv_raw_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    return rc_of(renameat(from_dir, from, to_dir, to));
}

/*
 * Where renameat2 knows no NOREPLACE (NFS, some FUSE): a link is atomic for files; for directories
 * rename itself refuses a non-empty one, and an empty one in the way loses nothing.
 */
static int rename_checked(int from_dir, const char *from, int to_dir, const char *to)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat(from_dir, from, &st);
    if (rc < 0)
        return rc;
    if (st.type != CENV_FT_DIR) {
        rc = cenv_raw_link(from_dir, from, to_dir, to);
        if (rc == 0)
            rc = cenv_raw_unlink(from_dir, from);
        return rc;
    }
    if (cenv_fs_exists(to_dir, to))
        return -EEXIST;
    rc = cenv_raw_rename(from_dir, from, to_dir, to);
    return rc == -ENOTEMPTY ? -EEXIST : rc;
}

static int rename_flagged(int from_dir, const char *from, int to_dir, const char *to,
                          unsigned flags)
{
    return rc_of(syscall(SYS_renameat2, from_dir, from, to_dir, to, flags));
}

int cenv_raw_rename_noreplace(int from_dir, const char *from, int to_dir,
                              const char *to)
{
    int rc = rename_flagged(from_dir, from, to_dir, to, RENAME_NOREPLACE);
    if (rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP)
        rc = rename_checked(from_dir, from, to_dir, to);
    return rc;
}

int cenv_raw_exchange(int a_dir, const char *a, int b_dir, const char *b)
{
    return rename_flagged(a_dir, a, b_dir, b, RENAME_EXCHANGE);
}

int cenv_raw_unlink(int dirfd, const char *name)
{
    return rc_of(unlinkat(dirfd, name, 0));
}

int cenv_raw_rmdir(int dirfd, const char *name)
{
    return rc_of(unlinkat(dirfd, name, AT_REMOVEDIR));
}

int cenv_fs_rename(int from_dir, const char *from, int to_dir, const char *to,
                   struct cenv_error *err)
{
    int rc = cenv_raw_rename(from_dir, from, to_dir, to);
    return rc < 0 ? cenv_fs_fail(err, rc, to_dir, to, "cannot rename to") : 0;
}

int cenv_fs_unlink(int dirfd, const char *name, struct cenv_error *err)
{
    int rc = cenv_raw_unlink(dirfd, name);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot remove") : 0;
}

int cenv_fs_symlink(const char *target, int dirfd, const char *name,
                    struct cenv_error *err)
{
    int rc = cenv_raw_symlink(target, dirfd, name);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot make link") : 0;
}

int cenv_fs_readlink(int dirfd, const char *name, struct cenv_buf *out,
                     struct cenv_error *err)
{
    size_t room = 256;
    ssize_t n;
    do { /* a result that fills the room may be cut: ask again with more */
        char *at = cenv_buf_reserve(out, room *= 2);
        if (!at)
            return cenv_error_oom(err);
        n = readlinkat(dirfd, name, at, room - 1);
        if (n < 0)
            return cenv_fs_fail(err, -errno, dirfd, name, "cannot read link");
        at[n] = '\0';
    } while ((size_t)n + 1 >= room);
    out->len += (size_t)n;
    return 0;
}

/* Metadata. */

int cenv_raw_chmod(int dirfd, const char *name, unsigned mode)
{
    return rc_of(fchmodat(dirfd, name, mode, AT_SYMLINK_NOFOLLOW));
}

int cenv_raw_chmod_fd(int fd, unsigned mode)
{
    return rc_of(fchmod(fd, mode));
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

int cenv_raw_syncfs(int fd)
{
    return rc_of(syncfs(fd));
}
