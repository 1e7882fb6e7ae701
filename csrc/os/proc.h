/* SPDX-License-Identifier: BSD-3-Clause */
/* Other programs: run one and take its output. */
#ifndef CENV_OS_PROC_H
#define CENV_OS_PROC_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_proc {
    const char *const
        *argv; /* NULL-terminated; argv[0] with a "/" or looked up on PATH */
    const char *const *env; /* NULL-terminated "KEY=value", or NULL: the caller's */
    const char *cwd;        /* or NULL: the caller's */
};

struct cenv_proc_status {
    int code;   /* exit code, or 128 + signal */
    int signal; /* or 0 */
};

/*
 * Runs it in a process group of its own with stdin at end of file; stdout and stderr are appended
 * to `output` together until its ceiling, the rest is read and dropped (`failed` stays unset).
 * Waits, polling `task`: a cancelled call kills the group and returns CENV_ECANCELLED. A program
 * that cannot be started is CENV_EOS; one that fails is no error, see `status`. Output is read
 * until the program ends, also when a child of it keeps the pipe.
 */
int cenv_proc_run(const struct cenv_proc *proc, struct cenv_buf *output,
                  struct cenv_proc_status *status, struct cenv_task *task,
                  struct cenv_error *err);

#endif
