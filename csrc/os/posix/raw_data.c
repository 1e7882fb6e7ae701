/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of open files: see raw_data.h. */
#include "os/raw_data.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/raw_file.h"

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

int cenv_raw_write(int fd, const void *data, size_t len)
{
    return cenv_raw_writev(fd, &(struct cenv_str){data, len}, 1);
}

int cenv_raw_pwrite(int fd, const void *data, size_t len, uint64_t at)
{
    return cenv_raw_pwritev(fd, &(struct cenv_str){data, len}, 1, at);
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
