/* SPDX-License-Identifier: BSD-3-Clause */
/* Files by the system's own calls: everything relative to a directory's descriptor. */
#ifndef CENV_OS_RAW_FILE_H
#define CENV_OS_RAW_FILE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two layers. `cenv_raw_*` are for hot loops: no allocation, no error text; they return >= 0 or
 * -errno, which cenv_fs_fail() turns into an error where that is wanted. `cenv_fs_*` fill `err`
 * (CENV_EOS with errno, the full path found through the descriptor) and return 0 or a status; those
 * that open return a descriptor >= 0 or a status.
 *
 * `dirfd` may be CENV_CWD; then `name` is relative to the working directory or absolute. The last
 * component of `name` is never followed when it is a link. Directories in front of it are resolved
 * by the system, links included: below a tree that others wrote, pass one component and get `dirfd`
 * from cenv_fs_open_beneath() or a cenv_dirs. Descriptors are close-on-exec. Modes of new files and
 * directories go through the process' umask; cenv_raw_chmod_fd() makes them exact. What a system
 * cannot do at all is -ENOTSUP.
 */
#ifdef __APPLE__
enum { CENV_CWD = -2 }; /* AT_FDCWD */
#else
enum { CENV_CWD = -100 }; /* AT_FDCWD of Linux; a number of our own on Windows */
#endif

/* OTHER: FIFOs and sockets. */
enum cenv_file_type {
    CENV_FT_FILE,
    CENV_FT_DIR,
    CENV_FT_SYMLINK,
    CENV_FT_OTHER,
    CENV_FT_DEVICE
};

struct cenv_stat {
    enum cenv_file_type type;
    uint32_t mode; /* permission bits, 07777 */
    uint32_t uid, gid;
    uint64_t nlink, dev, ino;
    uint64_t size;              /* bytes; of a link the length of its target */
    uint64_t blocks;            /* bytes taken on disk */
    int64_t mtime_ns, ctime_ns; /* since 1970 */
};

/* Closes; a negative fd is fine. */
void cenv_fd_close(int fd);
int cenv_raw_close(int fd); /* reports delayed write errors */
int cenv_raw_dup(int fd);

/* Facts. */
int cenv_raw_stat(int dirfd, const char *name, struct cenv_stat *out); /* as lstat */
int cenv_raw_stat_fd(int fd, struct cenv_stat *out);
int cenv_raw_is_dir(int dirfd, const char *name); /* following links: 1, 0 or -errno */
/* Whether a raw call failed as where nothing of that name lies; any other failure tells nothing. */
static inline bool cenv_raw_is_absent(int rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP;
}
/* Whether an open failed as where nothing lies, or what lies there is no regular file. */
static inline bool cenv_raw_is_no_file(int rc)
{
    return cenv_raw_is_absent(rc) || rc == -EINVAL || rc == -EISDIR || rc == -ENXIO;
}
static inline bool cenv_stat_same_file(const struct cenv_stat *a,
                                       const struct cenv_stat *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}
uint32_t cenv_fs_uid(void); /* effective user; 0 where users have no number */
uint32_t cenv_fs_gid(void); /* effective group */
/* Bytes that this user may still write where `dirfd` lies; 0 when that cannot be told. */
uint64_t cenv_raw_free_bytes(int dirfd);

/*
 * Opening. A directory or file the user named (`open_root`, `open_named`) is opened through links;
 * nothing else is. Files open only when regular: FIFOs and devices fail with EINVAL, without
 * blocking. `st` may be NULL.
 */
int cenv_raw_open_root(const char *path);
int cenv_raw_open_dir(int dirfd, const char *name);
int cenv_raw_open_file(int dirfd, const char *name, struct cenv_stat *st);
int cenv_raw_open_named(const char *path, struct cenv_stat *st);
int cenv_raw_create(int dirfd, const char *name, unsigned mode); /* O_RDWR; or EEXIST */

/*
 * Opens the lock file `name`, made (0600) when it is not there; a link is refused. A shared lock
 * needs no write permission: a store may be read-only.
 */
int cenv_raw_open_lock(int dirfd, const char *name, bool exclusive);

/* Directories and names. */
int cenv_raw_mkdir(int dirfd, const char *name, unsigned mode);
int cenv_raw_link(int from_dir, const char *from, int to_dir, const char *to);
int cenv_raw_symlink(const char *target, int dirfd, const char *name);
/* The target of a link into text[size], no NUL behind; its length, cut to `size`. */
int64_t cenv_raw_readlink(int dirfd, const char *name, char *text, size_t size);
int cenv_raw_rename(int from_dir, const char *from, int to_dir, const char *to);
int cenv_raw_unlink(int dirfd, const char *name);
int cenv_raw_rmdir(int dirfd, const char *name);

/* Metadata. chmod of a link is EOPNOTSUPP; mtime sets atime too, and works on links by name. */
int cenv_raw_chmod(int dirfd, const char *name, unsigned mode);
int cenv_raw_chmod_fd(int fd, unsigned mode);
int cenv_raw_set_mtime(int dirfd, const char *name, int64_t mtime_ns);
int cenv_raw_set_mtime_fd(int fd, int64_t mtime_ns);

#endif
