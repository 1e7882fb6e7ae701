/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing trees: no link followed, no recursion deeper than a bound, directories opened up. */
#include "os/fs_remove.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/raw_path.h"
#include "os/subvolume.h"

enum { DEPTH_MAX = 64, TRIES = 8 };
/* A disk that discards what is freed takes milliseconds for each megabyte. */
enum { QUICK_ENTRIES = 16, QUICK_NS = 20 * 1000 * 1000, QUICK_BYTES = 8 << 20 };

/* When to stop: NULL and 0 are never. */
struct limit {
    struct cenv_task *task;
    struct cenv_error *err; /* says that the task was cancelled */
    uint64_t until_ns;      /* not before QUICK_ENTRIES are gone */
    unsigned entries;
    uint64_t bytes; /* that were freed */
};

struct removal {
    struct limit *limit;
    const char *const *last; /* of the top, not now; or NULL */
    int top; /* deep directories are moved here, so that neither stack nor descriptors run out */
    bool hoisted;
};

static int empty_dir(struct removal *removal, int fd, int depth);

/* What is freed when the last name of a file goes. */
static uint64_t count_bytes(int dirfd, const char *name)
{
    struct cenv_stat st;
    bool freed = cenv_raw_stat(dirfd, name, &st) == 0 && st.type == CENV_FT_FILE &&
                 st.nlink == 1;
    return freed ? st.size : 0;
}

/* 0, or -ECANCELED when it is time to stop. */
static int poll_limit(struct limit *limit, int dirfd, const char *name)
{
    if (limit->task && cenv_task_poll(limit->task, limit->err) < 0)
        return -ECANCELED;
    if (!limit->until_ns)
        return 0;
    if (limit->entries++ >= QUICK_ENTRIES && cenv_clock_ns() > limit->until_ns)
        return -ECANCELED;
    limit->bytes += count_bytes(dirfd, name);
    return limit->bytes > QUICK_BYTES ? -ECANCELED : 0;
}

/* A directory of ours may forbid us to read it or to remove from it. -EBUSY for what is mounted
 * there: that is somebody else's, who may have it in many places. */
static int open_up(int dirfd, const char *name)
{
    int fd = cenv_raw_open_dir(dirfd, name);
    if (fd == -EACCES && cenv_raw_chmod(dirfd, name, 0700) == 0)
        fd = cenv_raw_open_dir(dirfd, name);
    int mount = fd < 0 ? 0 : cenv_raw_is_mount(fd);
    if (mount == 0)
        return fd;
    cenv_fd_close(fd);
    return mount < 0 ? mount : -EBUSY;
}

static int unlink_opened(int dirfd, const char *name)
{
    int rc = cenv_raw_unlink(dirfd, name);
    if (rc == -EACCES && cenv_raw_chmod_fd(dirfd, 0700) == 0)
        rc = cenv_raw_unlink(dirfd, name);
    return rc == -ENOENT ? 0 : rc;
}

static int rmdir_opened(int dirfd, const char *name)
{
    int rc = cenv_raw_rmdir(dirfd, name);
    if (rc == -EACCES && cenv_raw_chmod_fd(dirfd, 0700) == 0)
        rc = cenv_raw_rmdir(dirfd, name);
    return rc == -ENOENT ? 0 : rc;
}

static int hoist_dir(struct removal *removal, int dirfd, const char *name)
{
    char *unique = cenv_fs_unique_name(".cenv-deep");
    if (!unique)
        return -ENOMEM;
    cenv_raw_chmod(dirfd, name, 0700);
    int rc = cenv_raw_rename(dirfd, name, removal->top, unique);
    cenv_free(unique);
    removal->hoisted = removal->hoisted || rc == 0;
    return rc;
}

/* Where that is not allowed it is removed as any other directory, which its owner may; of one that
 * is read-only only root may do either. */
static bool remove_subvolume(int dirfd, const char *name, int fd)
{
    struct cenv_stat st;
    if (cenv_raw_stat_fd(fd, &st) < 0 || st.ino != CENV_SUBVOLUME_INODE)
        return false;
    return cenv_raw_subvolume_remove(dirfd, name) == 0 ||
           (cenv_raw_subvolume_open_up(fd) == 0 &&
            cenv_raw_subvolume_remove(dirfd, name) == 0);
}

static int remove_dir(struct removal *removal, int dirfd, const char *name, int depth)
{
    if (depth >= DEPTH_MAX)
        return hoist_dir(removal, dirfd, name);
    int fd = open_up(dirfd, name);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    int rc = remove_subvolume(dirfd, name, fd) ? 0 : -ENOTEMPTY;
    for (int tries = 0; tries < TRIES && (rc == -ENOTEMPTY || rc == -EEXIST); tries++) {
        rc = empty_dir(removal, fd, depth);
        if (rc == 0)
            rc = rmdir_opened(dirfd, name);
    }
    cenv_fd_close(fd);
    return rc;
}

static int remove_entry(struct removal *removal, int fd,
                        const struct cenv_dirent *entry, int depth)
{
    if (entry->type == CENV_FT_DIR)
        return remove_dir(removal, fd, entry->name, depth + 1);
    return unlink_opened(fd, entry->name);
}

static bool goes_last(const struct removal *removal, const char *name, int depth)
{
    const char *const *last = depth == 0 ? removal->last : NULL;
    while (last && *last && strcmp(*last, name) != 0)
        last++;
    return last && *last;
}

/* Some file systems skip entries when others are removed while listing: callers try again. */
static int empty_dir(struct removal *removal, int fd, int depth)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int rc = cenv_dir_init(&dir, fd);
    while (rc == 0 && (rc = cenv_dir_next(&dir, &entry)) > 0) {
        rc = poll_limit(removal->limit, fd, entry.name);
        if (rc == 0 && !goes_last(removal, entry.name, depth))
            rc = remove_entry(removal, fd, &entry, depth);
    }
    cenv_dir_release(&dir);
    return rc == -ENOENT ? 0
                         : rc; /* another process has removed the directory itself */
}

static int empty_top(int fd, const char *const *last, struct limit *limit)
{
    struct removal removal = {limit, last, fd, true};
    int rc = 0;
    while (rc == 0 && removal.hoisted) {
        removal.hoisted = false;
        rc = empty_dir(&removal, fd, 0);
    }
    return rc;
}

static int remove_content(int fd, const char *const *last, struct limit *limit)
{
    int rc = last ? empty_top(fd, last, limit) : 0;
    if (rc != 0 && rc != -ENOTEMPTY)
        return rc;
    rc = -ENOTEMPTY;
    for (int tries = 0; tries < TRIES && rc != 0; tries++) {
        rc = empty_top(fd, NULL, limit);
        if (rc == 0)
            rc = cenv_raw_is_empty_dir(fd) == 0 ? -ENOTEMPTY : 0;
        if (rc != 0 && rc != -ENOTEMPTY)
            break;
    }
    return rc;
}

static int remove_tree(int dirfd, const char *name, const char *const *last,
                       struct limit *limit)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat(dirfd, name, &st);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    if (st.type != CENV_FT_DIR) {
        rc = cenv_raw_unlink(dirfd, name);
        return rc == -ENOENT ? 0 : rc;
    }
    int fd = open_up(dirfd, name);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    rc = remove_subvolume(dirfd, name, fd) ? -ENOENT : remove_content(fd, last, limit);
    cenv_fd_close(fd);
    if (rc == 0 || rc == -ENOENT)
        rc = cenv_raw_rmdir(dirfd, name);
    return rc == -ENOENT ? 0 : rc;
}

int cenv_fs_remove_tree_polled(int dirfd, const char *name, const char *const *last,
                               struct cenv_task *task, struct cenv_error *err)
{
    struct limit limit = {.task = task, .err = err};
    int rc = remove_tree(dirfd, name, last, &limit);
    if (err->status == CENV_ECANCELLED)
        return err->status;
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot remove") : 0;
}

int cenv_fs_remove_tree(int dirfd, const char *name, struct cenv_error *err)
{
    struct limit never = {0};
    int rc = remove_tree(dirfd, name, NULL, &never);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot remove") : 0;
}

int cenv_fs_remove_content(int dirfd, struct cenv_error *err)
{
    struct limit never = {0};
    int rc = remove_content(dirfd, NULL, &never);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, NULL, "cannot empty") : 0;
}

void cenv_fs_discard_tree(int dirfd, const char *name)
{
    struct limit never = {0};
    remove_tree(dirfd, name, NULL, &never);
}

bool cenv_fs_discard_tree_quickly(int dirfd, const char *name)
{
    struct limit limit = {.until_ns = cenv_clock_ns() + QUICK_NS};
    return remove_tree(dirfd, name, NULL, &limit) == 0;
}
