/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs run in environments, as they are or in throw-away views. */
#include "cenv.h"
#include "os/proc.h"

/* In order of cenv.h's: what it says of a program is what the system's layer wants to know. */
static int start_program(const struct cenv_program *program,
                         const struct cenv_proc_streams *streams, int *pid,
                         struct cenv_error *err)
{
    struct cenv_proc proc = {.argv = program->argv,
                             .env = program->envp,
                             .cwd = program->cwd,
                             .new_session = true};
    struct cenv_view view = {
        .prefix = program->view,
        .program = program->argv[0],
        .cwd = program->cwd,
        .argv = program->argv,
        .envp = program->envp,
        .stdio = {streams->theirs[0], streams->theirs[1], streams->theirs[2]},
        .new_session = true};
    return program->view ? cenv_view_spawn(&view, pid, err)
                         : cenv_proc_start(&proc, streams, pid, err);
}

static int open_and_start(const struct cenv_program *program,
                          struct cenv_proc_streams *streams, int *pid,
                          struct cenv_error *err)
{
    int rc = cenv_proc_streams_open(streams, program->stdio, err);
    if (rc != 0)
        return rc;
    rc = start_program(program, streams, pid, err);
    cenv_proc_streams_hand_over(streams);
    if (rc != 0)
        cenv_proc_streams_release(streams);
    return rc;
}

static int follow(int pid, struct cenv_proc_streams *streams,
                  struct cenv_proc_talk *talk, struct cenv_program_end *end,
                  struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_proc_status status = {0};
    int rc = cenv_proc_follow(pid, streams, talk, &status, task, err);
    end->status = status.signal ? -status.signal : status.code;
    end->timed_out = talk->timed_out;
    return rc;
}

int cenv_program_run(const struct cenv_program *program, struct cenv_str input,
                     int64_t timeout_ms, struct cenv_program_end *end,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_proc_talk talk = {
        .input = input,
        .said = {program->stdio[1] == CENV_PROC_PIPE ? &end->said[0] : NULL,
                 program->stdio[2] == CENV_PROC_PIPE ? &end->said[1] : NULL},
        .timeout_ms = timeout_ms,
        .until_exit = program->until_exit,
    };
    struct cenv_proc_streams streams;
    int pid, rc = open_and_start(program, &streams, &pid, err);
    if (rc == 0)
        rc = follow(pid, &streams, &talk, end, task, err);
    return rc;
}

int cenv_program_start(const struct cenv_program *program, int *pid, int pipes[3],
                       struct cenv_error *err)
{
    struct cenv_proc_streams streams;
    int rc = open_and_start(program, &streams, pid, err);
    for (int i = 0; i < 3 && rc == 0; i++)
        pipes[i] = streams.ours[i];
    return rc;
}

int cenv_program_wait(int pid, struct cenv_program_end *end, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_proc_streams none = {{-1, -1, -1}, {-1, -1, -1}};
    struct cenv_proc_talk talk = {.timeout_ms = -1};
    return follow(pid, &none, &talk, end, task, err);
}

int cenv_program_find(const char *name, const char *path, struct cenv_buf *out)
{
    return cenv_proc_find(name, path, out);
}
