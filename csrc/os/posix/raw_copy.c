/* SPDX-License-Identifier: BSD-3-Clause */
/* From file to file, its holes found by lseek. */
#include "os/raw_copy.h"

#include <errno.h>
#include <unistd.h>

#include "os/raw_data.h"
#include "os/raw_extent.h"
#include "os/raw_file.h"

enum { PIECE = 32 << 20 }; /* what a slow disk takes in 100 ms, and no fast one minds */

static int copy_pieces(int from, int to, uint64_t at, uint64_t end,
                       struct cenv_task *task)
{
    struct cenv_error told = CENV_ERROR_INIT;
    int rc = 0;
    while (rc == 0 && at < end) {
        uint64_t until = end - at < PIECE ? end : at + PIECE;
        if (task && cenv_task_poll(task, &told) < 0)
            rc = -ECANCELED;
        else
            rc = cenv_raw_copy_range(from, to, at, until);
        at = until;
    }
    cenv_error_release(&told);
    return rc;
}

static int copy_segments(int from, int to, uint64_t size, struct cenv_task *task)
{
    off_t data = lseek(from, 0, SEEK_DATA);
    while (data >= 0 && (uint64_t)data < size) {
        off_t hole = lseek(from, data, SEEK_HOLE);
        if (hole < 0)
            return -errno;
        uint64_t end = (uint64_t)hole < size ? (uint64_t)hole : size;
        int rc = copy_pieces(from, to, (uint64_t)data, end, task);
        if (rc < 0)
            return rc;
        data = lseek(from, hole, SEEK_DATA);
    }
    if (data < 0 && errno == EINVAL) /* a file system without holes */
        return copy_pieces(from, to, 0, size, task);
    return data < 0 && errno != ENXIO ? -errno : cenv_raw_truncate(to, size);
}

int cenv_raw_copy_data(int from_fd, int to_fd, uint64_t size, struct cenv_task *task)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(from_fd, &st);
    if (rc < 0 || size == 0)
        return rc;
    if (st.size < size)
        return -EIO; /* shorter than it was: somebody truncated it */
    if (st.blocks < size && size > 4096)
        return copy_segments(from_fd, to_fd, size, task);
    return copy_pieces(from_fd, to_fd, 0, size, task);
}

int cenv_raw_copy_head(int from_fd, int to_fd, uint64_t size)
{
    int rc = cenv_raw_copy_range(from_fd, to_fd, 0, size);
    if (rc == 0 && lseek(to_fd, (off_t)size, SEEK_SET) < 0)
        rc = -errno;
    return rc;
}

uint64_t cenv_raw_find_data(int fd, uint64_t at)
{
    off_t data = lseek(fd, (off_t)at, SEEK_DATA);
    if (data >= 0)
        return (uint64_t)data;
    return errno == ENXIO ? UINT64_MAX : at;
}
