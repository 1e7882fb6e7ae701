/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system: everything relative to a directory's descriptor, never through a link. */
#ifndef CENV_OS_FS_H
#define CENV_OS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

/*
 * Two layers. `cenv_fs_*` fill `err` (CENV_EOS with errno, the full path found through the
 * descriptor) and return 0 or a status; those that open return a descriptor >= 0 or a status.
 * `cenv_raw_*` are for hot loops: no allocation, no error text; they return >= 0 or -errno, which
 * cenv_fs_fail() turns into an error where that is wanted.
 *
 * `dirfd` may be CENV_CWD; then `name` is relative to the working directory or absolute. The last
 * component of `name` is never followed when it is a link. Directories in front of it are resolved
 * by the kernel, links included: below a tree that others wrote, pass one component and get `dirfd`
 * from cenv_fs_open_beneath() or a cenv_dirs. Descriptors are close-on-exec. Modes of new files and
 * directories go through the process' umask; cenv_raw_chmod_fd() makes them exact.
 */
enum { CENV_CWD = -100 }; /* AT_FDCWD */

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

/* The error of a raw call: "what 'full path': reason". `rc` is -errno; returns CENV_EOS. */
int cenv_fs_fail(struct cenv_error *err, int rc, int dirfd, const char *name,
                 const char *what);

/* Appends the absolute path of a descriptor (+ "/" + name, which may be NULL); 0 or -1 (OOM). */
int cenv_fs_path_of(int dirfd, const char *name, struct cenv_buf *out);

/* Closes; a negative fd is fine. */
void cenv_fd_close(int fd);
int cenv_raw_close(int fd); /* reports delayed write errors */
int cenv_raw_dup(int fd);

/* Facts. */
int cenv_raw_stat(int dirfd, const char *name, struct cenv_stat *out); /* as lstat */
int cenv_raw_stat_fd(int fd, struct cenv_stat *out);
int cenv_fs_stat(int dirfd, const char *name, struct cenv_stat *out,
                 struct cenv_error *err);
bool cenv_fs_exists(int dirfd, const char *name); /* a link counts, dangling or not */
bool cenv_fs_is_dir(const char *path);            /* following links */
static inline bool cenv_stat_same_file(const struct cenv_stat *a,
                                       const struct cenv_stat *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}
uint32_t cenv_fs_uid(void); /* effective user */
uint32_t cenv_fs_gid(void); /* effective group */

/*
 * Opening. A directory the user named (`open_root`) is opened through links; nothing else is. Files
 * open only when regular: FIFOs and devices fail with EINVAL, without blocking. `st` may be NULL.
 */
int cenv_fs_open_root(const char *path, struct cenv_error *err);
int cenv_raw_open_dir(int dirfd, const char *name);
int cenv_fs_open_dir(int dirfd, const char *name, struct cenv_error *err);
int cenv_raw_open_file(int dirfd, const char *name, struct cenv_stat *st);
int cenv_fs_open_file(int dirfd, const char *name, struct cenv_stat *st,
                      struct cenv_error *err);
/* As open_file, for a file the user named: links are followed. */
int cenv_fs_open_named(const char *path, struct cenv_stat *st, struct cenv_error *err);

/*
 * Opens the directory `path` (relative, "" or "." is root itself; ".." and absolute refused) below
 * `root` one component at a time, refusing links. With `mkdir_mode` != 0 missing directories are
 * made. Raw: -EINVAL for a bad path, -ENOTDIR or -ELOOP for a link.
 */
int cenv_raw_open_beneath(int root, struct cenv_str path, unsigned mkdir_mode);
int cenv_fs_open_beneath(int root, const char *path, unsigned mkdir_mode,
                         struct cenv_error *err);

/*
 * Open directories below a root, kept as the chain of the last one used: walking paths in order
 * costs one openat for each new directory. The descriptor returned is borrowed until the next get.
 * One thread at a time.
 */
struct cenv_dirs {
    int root;   /* borrowed */
    char *path; /* of the deepest open directory, no slash at the end */
    size_t len, alloc;
    struct cenv_dirs_level *levels;
    size_t nr, alloc_levels;
};
void cenv_dirs_init(struct cenv_dirs *dirs, int root);
void cenv_dirs_release(struct cenv_dirs *dirs);
/* `path` as in open_beneath, normalised (no "./", "//"); fd or -errno. */
int cenv_dirs_get(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode);
/* The directory of `path`, and its last component in *name (borrowed from `path`). */
int cenv_dirs_parent(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode,
                     struct cenv_str *name);

/* Reading. `out` is appended to; more than its ceiling allows is CENV_EFAIL naming the file. */
int cenv_fs_read_file(int dirfd, const char *name, struct cenv_buf *out,
                      struct cenv_error *err);
int cenv_fs_read_fd(int fd, const char *name_for_errors, struct cenv_buf *out,
                    struct cenv_error *err);
int64_t cenv_raw_read(int fd, void *data, size_t len); /* one read, EINTR retried */
int64_t cenv_raw_pread(int fd, void *data, size_t len,
                       uint64_t at); /* until len or end */

/* A file mapped read-only; `data` is "" for an empty one. Do not map files others may truncate. */
struct cenv_mapping {
    const char *data;
    size_t len;
};
int cenv_fs_map_file(int dirfd, const char *name, struct cenv_mapping *out,
                     struct cenv_error *err);
int cenv_raw_map_fd(int fd, struct cenv_mapping *out);
void cenv_mapping_release(struct cenv_mapping *mapping); /* zero-initialised is fine */
/* Lets go of the memory behind whole pages of a mapping; they are read again when touched. */
void cenv_raw_forget(const char *at, size_t len);

/* Writing. Create fails with EEXIST; raw writes go on until all is written. */
int cenv_raw_create(int dirfd, const char *name, unsigned mode); /* O_RDWR */
int cenv_fs_create(int dirfd, const char *name, unsigned mode, struct cenv_error *err);
int cenv_raw_write(int fd, const void *data, size_t len);
int cenv_raw_pwrite(int fd, const void *data, size_t len, uint64_t at);
/* Several pieces, one behind the other, in as few calls as the system allows. */
int cenv_raw_writev(int fd, const struct cenv_str *pieces, size_t nr);
int cenv_raw_pwritev(int fd, const struct cenv_str *pieces, size_t nr, uint64_t at);
int cenv_raw_truncate(int fd, uint64_t size);
/* A new file (EEXIST otherwise); removed again when writing fails. */
int cenv_fs_write_new(int dirfd, const char *name, struct cenv_str data, unsigned mode,
                      struct cenv_error *err);
/* Replaces or makes `name` in one step: readers see the old content or the new. Not synced. */
int cenv_fs_write_atomic(int dirfd, const char *name, struct cenv_str data,
                         unsigned mode, struct cenv_error *err);

/* Directories. mkdirs: several components, existing ones (links to directories too) are fine. */
int cenv_raw_mkdir(int dirfd, const char *name, unsigned mode);
int cenv_fs_mkdir(int dirfd, const char *name, unsigned mode, struct cenv_error *err);
int cenv_fs_mkdirs(int dirfd, const char *path, unsigned mode, struct cenv_error *err);
/*
 * Locks an open directory for as long as the descriptor (and those forked from it) are open,
 * without a file for it. lock waits; try gives -EWOULDBLOCK when it is held. -ENOTSUP where it
 * cannot work.
 */
int cenv_raw_lock_dir(int fd);
int cenv_raw_try_lock_dir(int fd);
/* A name nobody else has: "<stem>-<pid>-<nonce>"; NULL when out of memory. Caller frees. */
char *cenv_fs_unique_name(const char *stem);
/* Makes a new directory (0700) of such a name; *name for the caller to free. */
int cenv_fs_mkdir_temp(int dirfd, const char *stem, char **name,
                       struct cenv_error *err);
/* 1 empty, 0 not, or -errno. */
int cenv_raw_is_empty_dir(int dirfd);

/* Names. noreplace: EEXIST when `to` is there, atomically where the system can. */
int cenv_raw_link(int from_dir, const char *from, int to_dir, const char *to);
int cenv_raw_symlink(const char *target, int dirfd, const char *name);
/* What an overlay takes for "not there, whatever lies below": a device 0/0, for any user (5.8). */
int cenv_raw_whiteout(int dirfd, const char *name);
int cenv_raw_rename(int from_dir, const char *from, int to_dir, const char *to);
int cenv_raw_rename_noreplace(int from_dir, const char *from, int to_dir,
                              const char *to);
int cenv_raw_exchange(int a_dir, const char *a, int b_dir, const char *b);
int cenv_raw_unlink(int dirfd, const char *name);
int cenv_raw_rmdir(int dirfd, const char *name);
int cenv_fs_rename(int from_dir, const char *from, int to_dir, const char *to,
                   struct cenv_error *err);
int cenv_fs_unlink(int dirfd, const char *name, struct cenv_error *err);
int cenv_fs_symlink(const char *target, int dirfd, const char *name,
                    struct cenv_error *err);
/* Appends the target of a link, with a NUL behind (not counted). */
int cenv_fs_readlink(int dirfd, const char *name, struct cenv_buf *out,
                     struct cenv_error *err);

/* Metadata. chmod of a link is EOPNOTSUPP; mtime sets atime too, and works on links by name. */
int cenv_raw_chmod(int dirfd, const char *name, unsigned mode);
int cenv_raw_chmod_fd(int fd, unsigned mode);
int cenv_raw_set_mtime(int dirfd, const char *name, int64_t mtime_ns);
int cenv_raw_set_mtime_fd(int fd, int64_t mtime_ns);
/* User-visible attributes (all names the caller may read); ENOTSUP and EPERM are not errors. */
int cenv_raw_copy_xattrs(int from_fd, int to_fd);
/* Whether there may be any, without opening it; links not followed. */
bool cenv_raw_has_xattrs(int dirfd, const char *name);

/* Durability: all of the file system a descriptor is on. */
int cenv_raw_syncfs(int fd);

/*
 * Listing at the speed of getdents: `type` is always known, "." and ".." never appear, order is the
 * file system's. `name` is valid until the next call. Entries made or removed meanwhile may or may
 * not appear.
 */
struct cenv_dirent {
    const char *name;
    size_t len;
    uint64_t ino;
    enum cenv_file_type type;
};
struct cenv_dir {
    int fd;
    char *block;
    size_t pos, len;
};
int cenv_dir_init(struct cenv_dir *dir,
                  int fd); /* fd borrowed, rewound; 0 or -ENOMEM, -errno */
void cenv_dir_release(struct cenv_dir *dir);
int cenv_dir_next(struct cenv_dir *dir,
                  struct cenv_dirent *out); /* 1, 0 at the end, -errno */

/* A directory's entries at once, in byte order when `sorted`; names live as long as the listing. */
struct cenv_listing {
    struct cenv_dirent *entries;
    size_t nr, alloc;
    struct cenv_arena names;
};
int cenv_listing_read(struct cenv_listing *list, int fd, bool sorted); /* 0 or -errno */
void cenv_listing_release(struct cenv_listing *list);

/*
 * Visits everything below the directory `dirfd`, parents before children, links not followed, in
 * byte order of names within a directory when `sorted`. `path` is relative to the start; `parent`
 * the descriptor of the entry's directory. The visitor returns 0, CENV_WALK_SKIP (do not enter
 * this directory) or a status.
 */
enum { CENV_WALK_SKIP = 1 };
struct cenv_walk_entry {
    struct cenv_str path; /* NUL-terminated */
    struct cenv_dirent entry;
    int parent;
};
typedef int (*cenv_walk_fn)(void *ctx, const struct cenv_walk_entry *entry,
                            struct cenv_error *err);
int cenv_fs_walk(int dirfd, bool sorted, cenv_walk_fn visit, void *ctx,
                 struct cenv_task *task, struct cenv_error *err);

/*
 * Removes `name` and all below it, whatever it is; absent is fine. Links are removed, not followed;
 * directories without write permission are opened up first. One thread: on ext4 and tmpfs two were
 * no faster. remove_content leaves the directory itself.
 */
int cenv_fs_remove_tree(int dirfd, const char *name, struct cenv_error *err);
int cenv_fs_remove_content(int dirfd, struct cenv_error *err);
/* For clean-up paths: best effort, keeps no error. */
void cenv_fs_discard_tree(int dirfd, const char *name);

/* How a file's content gets from here to there. */
enum cenv_place_mode {
    CENV_PLACE_AUTO,
    CENV_PLACE_REFLINK,
    CENV_PLACE_HARDLINK,
    CENV_PLACE_COPY
};
/* "auto", "reflink", "hardlink", "copy"; parse returns -1 for anything else. */
const char *cenv_place_mode_name(enum cenv_place_mode mode);
int cenv_place_mode_parse(const char *name);

/* Copies `size` bytes from 0, holes kept, by copy_file_range or read and write; data only. */
int cenv_raw_copy_data(int from_fd, int to_fd, uint64_t size);
/* The first `size` bytes into an empty file; writing goes on behind them. */
int cenv_raw_copy_head(int from_fd, int to_fd, uint64_t size);
/* Shares the extents (FICLONE): EOPNOTSUPP, EXDEV, EINVAL where that cannot work. */
int cenv_raw_reflink(int from_fd, int to_fd);
/*
 * Makes `to` from the regular file `from` in mode `want`; EEXIST when it is there. Hardlink falls
 * back to copy on EXDEV, EMLINK, EPERM (counted by the caller through *got), reflink on what
 * FICLONE refuses, only when `fallback`. auto: reflink, else copy. A copy or reflink gets mode and
 * mtime of the source, exactly. `st` the source's, or NULL.
 */
int cenv_raw_place(int from_dir, const char *from, const struct cenv_stat *st,
                   int to_dir, const char *to, enum cenv_place_mode want, bool fallback,
                   enum cenv_place_mode *got);

/* Facts of the file system that holds `fd`. */
struct cenv_fs_facts {
    char type
        [16]; /* "ext4", "btrfs", "xfs", "tmpfs", "overlay", "nfs", ... or "0x<magic>" */
    uint64_t free_bytes, total_bytes; /* free to this user */
    bool network; /* nfs, smb, fuse, 9p: locks and mtimes may be unreliable */
};
int cenv_fs_facts(int fd, struct cenv_fs_facts *out, struct cenv_error *err);
/* By trying: 1 when files below `dirfd` reflink into each other, else 0. Leaves nothing behind. */
int cenv_fs_probe_reflink(int dirfd);
/* By trying: 1 when a file of `from_dir` can be hard-linked (reflinked) into `to_dir`. */
int cenv_fs_probe_link(int from_dir, int to_dir, enum cenv_place_mode mode);

/* Absolute, links resolved; NULL with err. Caller frees. */
char *cenv_fs_realpath(const char *path, struct cenv_error *err);
/* Absolute, the directory resolved, the last component (which need not exist) left as it is. */
char *cenv_fs_abspath(const char *path, struct cenv_error *err);
/* 1 when the directory `fd` is `root` or lies below it (by device and inode), 0, or -errno. */
int cenv_raw_is_inside(int fd, int root);

#endif
