/* SPDX-License-Identifier: BSD-3-Clause */
/* Running programs is not supported on Windows yet. */
#include "os/proc.h"

static int refuse(const char *what, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EFAIL,
                          "cannot run %s: this is not supported on Windows yet", what);
}

int cenv_proc_streams_open(struct cenv_proc_streams *streams, const int wanted[3],
                           struct cenv_error *err)
{
    (void)wanted;
    *streams = (struct cenv_proc_streams){{-1, -1, -1}, {-1, -1, -1}};
    return refuse("a program", err);
}

void cenv_proc_streams_release(struct cenv_proc_streams *streams)
{
    (void)streams;
}

void cenv_proc_streams_hand_over(struct cenv_proc_streams *streams)
{
    (void)streams;
}

int cenv_proc_start(const struct cenv_proc *proc,
                    const struct cenv_proc_streams *streams, int *pid,
                    struct cenv_error *err)
{
    (void)streams, (void)pid;
    return refuse(proc->argv[0], err);
}

int cenv_proc_follow(int pid, struct cenv_proc_streams *streams,
                     struct cenv_proc_talk *talk, struct cenv_proc_status *status,
                     struct cenv_task *task, struct cenv_error *err)
{
    (void)pid, (void)streams, (void)talk, (void)status, (void)task;
    return refuse("a program", err);
}

int cenv_proc_run(const struct cenv_proc *proc, struct cenv_buf *output,
                  struct cenv_proc_status *status, struct cenv_task *task,
                  struct cenv_error *err)
{
    (void)output, (void)status, (void)task;
    return refuse(proc->argv[0], err);
}

int cenv_proc_find(const char *name, const char *path, struct cenv_buf *out)
{
    (void)name, (void)path, (void)out;
    return 1;
}
