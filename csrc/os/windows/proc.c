/* SPDX-License-Identifier: BSD-3-Clause */
/* Running programs is not supported on Windows yet. */
#include "os/proc.h"

int cenv_proc_run(const struct cenv_proc *proc, struct cenv_buf *output,
                  struct cenv_proc_status *status, struct cenv_task *task,
                  struct cenv_error *err)
{
    (void)output, (void)status, (void)task;
    return cenv_error_set(err, CENV_EFAIL,
                          "cannot run '%s': this is not supported on Windows yet",
                          proc->argv[0]);
}
