/* SPDX-License-Identifier: BSD-3-Clause */
/* As the system has it: see fs_sync.h. */
#include "os/fs_sync.h"

#include "os/fs.h"
#include "os/fs_facts.h"

int cenv_fs_sync(int fd, struct cenv_task *task, struct cenv_error *err)
{
    int rc = cenv_task_poll(task, err);
    if (rc < 0)
        return rc;
    int failed = cenv_raw_syncfs(fd);
    return failed < 0 ? cenv_fs_fail(err, failed, fd, NULL, "cannot sync") : 0;
}
