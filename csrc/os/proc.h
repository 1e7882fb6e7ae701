/* SPDX-License-Identifier: BSD-3-Clause */
/* Other programs: run one and take its output; tell whether a process still lives. */
#ifndef CENV_OS_PROC_H
#define CENV_OS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/*
 * Who owns something that outlives a call: a process, told apart from others that get its number
 * later (start time), from other boots (boot id), other hosts and other containers.
 */
struct cenv_owner {
    int64_t pid;
    uint64_t start;  /* clock ticks since boot, /proc/<pid>/stat field 22; 0 unknown */
    uint64_t pid_ns; /* inode of the pid namespace; 0 unknown */
    char boot_id[40];
    char host[65];
};
/* This process; what cannot be found is left 0 or "". */
void cenv_owner_self(struct cenv_owner *out);
/* Process `pid` of this host, which is not checked to be there. */
void cenv_owner_of(int64_t pid, struct cenv_owner *out);
/* Appends "process 123 on host since 2026-11-22 20:15:03" (local time): this one, from now. */
int cenv_owner_text(struct cenv_buf *out);
/* No such process here (in this container, that is). */
bool cenv_pid_is_gone(int64_t pid);
/* False only when it surely is gone: same host and (another boot, or same container and no such
 * process). */
bool cenv_owner_may_live(const struct cenv_owner *owner);

#endif
