/* SPDX-License-Identifier: BSD-3-Clause */
/* From file to file, through memory; holes are filled. */
#include "os/raw_copy.h"

#include <errno.h>

#include "os/copy.h"
#include "os/raw_file.h"
#include "os/windows/win.h"

int cenv_raw_copy_data(int from_fd, int to_fd, uint64_t size, struct cenv_task *task)
{
    struct cenv_error told = CENV_ERROR_INIT;
    struct cenv_stat st;
    if (task && cenv_task_poll(task, &told) < 0) {
        cenv_error_release(&told);
        return -ECANCELED;
    }
    int rc = cenv_raw_stat_fd(from_fd, &st);
    if (rc < 0 || size == 0)
        return rc;
    if (st.size < size)
        return -EIO; /* shorter than it was: somebody truncated it */
    return cenv_raw_copy_bytes(from_fd, to_fd, 0, size);
}

int cenv_raw_copy_head(int from_fd, int to_fd, uint64_t size)
{
    LARGE_INTEGER end = {.QuadPart = (LONGLONG)size};
    int rc = cenv_raw_copy_bytes(from_fd, to_fd, 0, size);
    if (rc == 0 && !SetFilePointerEx(cenv_win_handle(to_fd), end, NULL, FILE_BEGIN))
        rc = cenv_win_last_error();
    return rc;
}
