/* SPDX-License-Identifier: BSD-3-Clause */
/* From file to file: shared extents, hard links, bytes with their holes, attributes. */
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/fs.h"

enum { COPY_BLOCK = 128 * 1024, XATTR_MAX = 64 * 1024 };

static const char *const mode_names[] = {"auto", "reflink", "hardlink", "copy"};

const char *cenv_place_mode_name(enum cenv_place_mode mode)
{
    return mode_names[mode];
}

int cenv_place_mode_parse(const char *name)
{
    for (int i = 0; i < (int)(sizeof(mode_names) / sizeof(mode_names[0])); i++)
        if (strcmp(name, mode_names[i]) == 0)
            return i;
    return -1;
}

static int copy_by_hand(int from, int to, uint64_t at, uint64_t end)
{
    int rc = 0;
    char *block = cenv_malloc(COPY_BLOCK);
    if (!block)
        return -ENOMEM;
    while (at < end && rc == 0) {
        size_t want = end - at < COPY_BLOCK ? (size_t)(end - at) : COPY_BLOCK;
        int64_t n = cenv_raw_pread(from, block, want, at);
        if (n <= 0)
            rc = n < 0 ? (int)n : -EIO; /* truncated while we copied */
        else
            rc = cenv_raw_pwrite(to, block, (size_t)n, at);
        at += n > 0 ? (uint64_t)n : 0;
    }
    cenv_free(block);
    return rc;
}

static bool must_copy_by_hand(int error)
{
    return error == EXDEV || error == EINVAL || error == ENOSYS ||
           error == EOPNOTSUPP || error == EPERM || error == EBADF || error == ETXTBSY;
}

static int copy_range(int from, int to, uint64_t at, uint64_t end)
{
    while (at < end) {
        off_t in = (off_t)at, out = (off_t)at;
        uint64_t left = end - at < (1u << 30) ? end - at : (1u << 30);
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)left, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && !must_copy_by_hand(errno))
            return -errno;
        if (n <= 0) /* 0: the end, or a file system whose files have no size */
            return copy_by_hand(from, to, at, end);
        at += (uint64_t)n;
    }
    return 0;
}

static int copy_segments(int from, int to, uint64_t size)
{
    off_t data = lseek(from, 0, SEEK_DATA);
    while (data >= 0 && (uint64_t)data < size) {
        off_t hole = lseek(from, data, SEEK_HOLE);
        if (hole < 0)
            return -errno;
        uint64_t end = (uint64_t)hole < size ? (uint64_t)hole : size;
        int rc = copy_range(from, to, (uint64_t)data, end);
        if (rc < 0)
            return rc;
        data = lseek(from, hole, SEEK_DATA);
    }
    if (data < 0 && errno == EINVAL) /* a file system without holes */
        return copy_range(from, to, 0, size);
    return data < 0 && errno != ENXIO ? -errno : cenv_raw_truncate(to, size);
}

int cenv_raw_copy_data(int from_fd, int to_fd, uint64_t size)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(from_fd, &st);
    if (rc < 0 || size == 0)
        return rc;
    if (st.size < size)
        return -EIO; /* shorter than it was: somebody truncated it */
    if (st.blocks < size && size > 4096)
        return copy_segments(from_fd, to_fd, size);
    return copy_range(from_fd, to_fd, 0, size);
}

int cenv_raw_copy_head(int from_fd, int to_fd, uint64_t size)
{
    int rc = copy_range(from_fd, to_fd, 0, size);
    if (rc == 0 && lseek(to_fd, (off_t)size, SEEK_SET) < 0)
        rc = -errno;
    return rc;
}

int cenv_raw_reflink(int from_fd, int to_fd)
{
    return ioctl(to_fd, FICLONE, from_fd) < 0 ? -errno : 0;
}

static int copy_xattr(int from_fd, int to_fd, const char *name, char *value)
{
    ssize_t n = fgetxattr(from_fd, name, value, XATTR_MAX);
    if (n < 0)
        return errno == ENODATA ? 0 : -errno;
    return fsetxattr(to_fd, name, value, (size_t)n, 0) < 0 ? -errno : 0;
}

static bool is_refusal(int rc)
{
    return rc == -ENOTSUP || rc == -EPERM || rc == -EACCES;
}

int cenv_raw_copy_xattrs(int from_fd, int to_fd)
{
    ssize_t len = flistxattr(from_fd, NULL, 0);
    if (len <= 0)
        return len < 0 && !is_refusal(-errno) ? -errno : 0;
    char *names = cenv_malloc(XATTR_MAX), *value = cenv_malloc(XATTR_MAX);
    int rc = names && value ? 0 : -ENOMEM;
    len = rc == 0 ? flistxattr(from_fd, names, XATTR_MAX) : 0;
    for (ssize_t at = 0; at < len && rc == 0; at += (ssize_t)strlen(names + at) + 1) {
        rc = copy_xattr(from_fd, to_fd, names + at, value);
        if (is_refusal(rc))
            rc = 0;
    }
    cenv_free(names);
    cenv_free(value);
    return rc;
}

/* llistxattr knows no descriptors: through /proc, and where there is none the answer is maybe. */
bool cenv_raw_has_xattrs(int dirfd, const char *name)
{
    char path[sizeof("/proc/self/fd/-2147483648/") + 256];
    int n = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return true;
    ssize_t len = llistxattr(path, NULL, 0);
    return len > 0 || (len < 0 && errno != ENOTSUP);
}

/* Placing. */

static bool wants_other_way(int rc, enum cenv_place_mode mode)
{
    if (mode == CENV_PLACE_HARDLINK)
        return rc == -EXDEV || rc == -EMLINK || rc == -EPERM || rc == -EOPNOTSUPP;
    return rc == -EOPNOTSUPP || rc == -EXDEV || rc == -EINVAL || rc == -ENOTTY ||
           rc == -ENOSYS || rc == -EPERM || rc == -ETXTBSY;
}

static int fill_file(int in, int out, const struct cenv_stat *st,
                     enum cenv_place_mode want, bool fallback,
                     enum cenv_place_mode *got)
{
    int rc = -EOPNOTSUPP;
    if (want == CENV_PLACE_REFLINK || want == CENV_PLACE_AUTO) {
        *got = CENV_PLACE_REFLINK;
        rc = st->size ? cenv_raw_reflink(in, out) : 0;
        if (rc == 0 || !wants_other_way(rc, CENV_PLACE_REFLINK) ||
            (want == CENV_PLACE_REFLINK && !fallback))
            return rc;
    }
    *got = CENV_PLACE_COPY;
    return cenv_raw_copy_data(in, out, st->size);
}

static int place_copy(int in, const struct cenv_stat *st, int to_dir, const char *to,
                      enum cenv_place_mode want, bool fallback,
                      enum cenv_place_mode *got)
{
    int out = cenv_raw_create(to_dir, to, st->mode & 0700);
    if (out < 0)
        return out;
    int rc = fill_file(in, out, st, want, fallback, got);
    if (rc == 0)
        rc = cenv_raw_chmod_fd(out, st->mode);
    if (rc == 0)
        rc = cenv_raw_set_mtime_fd(out, st->mtime_ns);
    int closed = cenv_raw_close(out);
    if (rc == 0)
        rc = closed;
    if (rc < 0)
        cenv_raw_unlink(to_dir, to);
    return rc;
}

int cenv_raw_place(int from_dir, const char *from, const struct cenv_stat *st,
                   int to_dir, const char *to, enum cenv_place_mode want, bool fallback,
                   enum cenv_place_mode *got)
{
    struct cenv_stat own;
    if (want == CENV_PLACE_HARDLINK) {
        int rc = cenv_raw_link(from_dir, from, to_dir, to);
        *got = CENV_PLACE_HARDLINK;
        if (rc == 0 || !fallback || !wants_other_way(rc, CENV_PLACE_HARDLINK))
            return rc;
        want = CENV_PLACE_COPY;
    }
    int in = cenv_raw_open_file(from_dir, from, &own);
    if (in < 0)
        return in;
    int rc = place_copy(in, st ? st : &own, to_dir, to, want, fallback, got);
    cenv_fd_close(in);
    return rc;
}

/* Probing: the only way to know; statfs tells neither of reflink=0 nor of mount boundaries. */

static int probe_between(int from_dir, const char *from, int to_dir, const char *to,
                         enum cenv_place_mode mode)
{
    enum cenv_place_mode got;
    int fd = cenv_raw_create(from_dir, from, 0600);
    if (fd < 0)
        return 0;
    int rc = cenv_raw_write(fd, "cenv", 4);
    cenv_fd_close(fd);
    if (rc == 0)
        rc = cenv_raw_place(from_dir, from, NULL, to_dir, to, mode, false, &got);
    if (rc == 0)
        cenv_raw_unlink(to_dir, to);
    cenv_raw_unlink(from_dir, from);
    return rc == 0;
}

int cenv_fs_probe_link(int from_dir, int to_dir, enum cenv_place_mode mode)
{
    char *from = cenv_fs_unique_name(".cenv-probe");
    char *to = cenv_fs_unique_name(".cenv-probe");
    int works = from && to && probe_between(from_dir, from, to_dir, to, mode);
    cenv_free(from);
    cenv_free(to);
    return works;
}

int cenv_fs_probe_reflink(int dirfd)
{
    return cenv_fs_probe_link(dirfd, dirfd, CENV_PLACE_REFLINK);
}
