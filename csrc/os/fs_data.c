/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents of files: reading whole, mapping, writing all, replacing in one step. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/path.h"

int64_t cenv_raw_read(int fd, void *data, size_t len)
{
    ssize_t n;
    do
        n = read(fd, data, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int64_t cenv_raw_pread(int fd, void *data, size_t len, uint64_t at)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

/* One byte more than the size asked for, so that the end is seen without growing. */
static int read_all(int fd, uint64_t size, struct cenv_buf *out)
{
    uint64_t end = out->len + (size < SIZE_MAX / 2 ? size : SIZE_MAX / 2) + 1;
    for (;;) {
        char probe;
        size_t left = out->max - out->len;
        size_t want = end > out->len ? (size_t)(end - out->len) : 64 * 1024;
        want = want < left ? want : left;
        char *at = want ? cenv_buf_reserve(out, want) : &probe;
        if (!at)
            return -ENOMEM;
        int64_t n = cenv_raw_read(fd, at, want ? want : 1);
        if (n > 0 && !want)
            return -EFBIG;
        if (n <= 0)
            return (int)n;
        out->len += (size_t)n;
    }
}

int cenv_fs_read_fd(int fd, const char *name_for_errors, struct cenv_buf *out,
                    struct cenv_error *err)
{
    struct cenv_stat st;
    size_t before = out->len;
    int rc = cenv_raw_stat_fd(fd, &st);
    if (rc == 0)
        rc = read_all(fd, st.type == CENV_FT_FILE ? st.size : 4096, out);
    out->len = rc == 0 ? out->len : before;
    if (out->data)
        out->data[out->len] = '\0';
    if (rc == 0)
        return 0;
    if (rc == -EFBIG)
        return cenv_error_set(err, CENV_EFAIL,
                              "'%s' is larger than the %zu bytes allowed",
                              name_for_errors, out->max);
    return cenv_fs_fail(err, rc, CENV_CWD, name_for_errors, "cannot read");
}

int cenv_fs_read_file(int dirfd, const char *name, struct cenv_buf *out,
                      struct cenv_error *err)
{
    int fd = cenv_fs_open_file(dirfd, name, NULL, err);
    if (fd < 0)
        return fd;
    int rc = cenv_fs_read_fd(fd, name, out, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_raw_map_fd(int fd, struct cenv_mapping *out)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(fd, &st);
    if (rc < 0)
        return rc;
    if (st.size > SIZE_MAX / 2)
        return -EFBIG;
    if (st.size == 0) {
        *out = (struct cenv_mapping){"", 0};
        return 0;
    }
    void *data = mmap(NULL, (size_t)st.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    *out = (struct cenv_mapping){data, (size_t)st.size};
    return 0;
}

int cenv_fs_map_file(int dirfd, const char *name, struct cenv_mapping *out,
                     struct cenv_error *err)
{
    int fd = cenv_fs_open_file(dirfd, name, NULL, err);
    if (fd < 0)
        return fd;
    int rc = cenv_raw_map_fd(fd, out);
    cenv_fd_close(fd);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot map") : 0;
}

void cenv_mapping_release(struct cenv_mapping *mapping)
{
    /* The address as a number: munmap takes what mmap gave, constness is ours. */
    if (mapping->len)
        munmap((void *)(uintptr_t)mapping->data, mapping->len);
    *mapping = (struct cenv_mapping){NULL, 0};
}

void cenv_raw_forget(const char *at, size_t len)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)at;
    uintptr_t first = (from + page - 1) & ~(page - 1), end = (from + len) & ~(page - 1);
    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED);
}

int cenv_raw_create(int dirfd, const char *name, unsigned mode)
{
    int fd =
        openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

int cenv_fs_create(int dirfd, const char *name, unsigned mode, struct cenv_error *err)
{
    int fd = cenv_raw_create(dirfd, name, mode);
    return fd < 0 ? cenv_fs_fail(err, fd, dirfd, name, "cannot create") : fd;
}

int cenv_raw_write(int fd, const void *data, size_t len)
{
    return cenv_raw_writev(fd, &(struct cenv_str){data, len}, 1);
}

int cenv_raw_pwrite(int fd, const void *data, size_t len, uint64_t at)
{
    return cenv_raw_pwritev(fd, &(struct cenv_str){data, len}, 1, at);
}

enum { IOV_BATCH = 64 };

/* Up to IOV_BATCH pieces from piece `first`, `skip` bytes into it. */
static int gather_pieces(struct iovec *iov, const struct cenv_str *pieces, size_t nr,
                         size_t skip)
{
    int count = 0;
    for (size_t i = 0; i < nr && count < IOV_BATCH; i++, skip = 0) {
        const char *from = pieces[i].data + skip;
        if (pieces[i].len > skip)
            iov[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)from,
                                          .iov_len = pieces[i].len - skip};
    }
    return count;
}

/* at < 0: at the descriptor's own position. */
static int write_pieces(int fd, const struct cenv_str *pieces, size_t nr, int64_t at)
{
    struct iovec iov[IOV_BATCH];
    size_t skip = 0;
    for (;;) {
        while (nr && pieces->len <= skip) {
            skip -= pieces->len;
            pieces++;
            nr--;
        }
        if (!nr)
            return 0;
        int count = gather_pieces(iov, pieces, nr, skip);
        ssize_t n = at < 0 ? writev(fd, iov, count) : pwritev(fd, iov, count, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        skip += (size_t)n;
        at = at < 0 ? at : at + n;
    }
}

int cenv_raw_writev(int fd, const struct cenv_str *pieces, size_t nr)
{
    return write_pieces(fd, pieces, nr, -1);
}

int cenv_raw_pwritev(int fd, const struct cenv_str *pieces, size_t nr, uint64_t at)
{
    return at > INT64_MAX ? -EFBIG : write_pieces(fd, pieces, nr, (int64_t)at);
}

int cenv_raw_truncate(int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int write_new(int dirfd, const char *name, struct cenv_str data, unsigned mode)
{
    int fd = cenv_raw_create(dirfd, name, mode);
    if (fd < 0)
        return fd;
    int rc = cenv_raw_write(fd, data.data, data.len);
    int closed = cenv_raw_close(fd);
    if (rc == 0)
        rc = closed;
    if (rc < 0)
        cenv_raw_unlink(dirfd, name);
    return rc;
}

int cenv_fs_write_new(int dirfd, const char *name, struct cenv_str data, unsigned mode,
                      struct cenv_error *err)
{
    int rc = write_new(dirfd, name, data, mode);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot write") : 0;
}

/* "<directory of name>/.cenv-<pid>-<nonce>"; NULL when out of memory. */
static char *temp_beside(const char *name)
{
    struct cenv_str parent = cenv_path_parent(cenv_str(name));
    char *dir = cenv_memdup(parent.data, parent.len);
    char *unique = cenv_fs_unique_name(".cenv");
    char *temp = dir && unique ? cenv_path_join(dir, unique) : NULL;
    cenv_free(dir);
    cenv_free(unique);
    return temp;
}

int cenv_fs_write_atomic(int dirfd, const char *name, struct cenv_str data,
                         unsigned mode, struct cenv_error *err)
{
    char *temp = temp_beside(name);
    if (!temp)
        return cenv_error_oom(err);
    int rc = write_new(dirfd, temp, data, mode);
    if (rc == 0) {
        rc = cenv_raw_rename(dirfd, temp, dirfd, name);
        if (rc < 0)
            cenv_raw_unlink(dirfd, temp);
    }
    cenv_free(temp);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot write") : 0;
}
