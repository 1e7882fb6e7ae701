/* SPDX-License-Identifier: BSD-3-Clause */
/* Other programs: find one, start it, talk with it until it ends. */
#ifndef CENV_OS_PROC_H
#define CENV_OS_PROC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_proc {
    const char *const
        *argv; /* NULL-terminated; argv[0] with a "/" or looked up on PATH */
    const char *const *env; /* NULL-terminated "KEY=value", or NULL: the caller's */
    const char *cwd;        /* or NULL: the caller's */
    bool new_session;       /* else a process group of its own */
};

struct cenv_proc_status {
    int code;   /* exit code, or 128 + signal */
    int signal; /* or 0 */
};

/* What stdin, stdout or stderr is where it is no descriptor; the numbers of Python's subprocess. */
enum {
    CENV_PROC_PIPE = -1,
    CENV_PROC_STDOUT = -2, /* for stderr: where stdout goes */
    CENV_PROC_NULL = -3,
    CENV_PROC_INHERIT = -4,
};

/* The child's descriptors, and our ends of its pipes; -1: inherited, no pipe. All lie above 2. */
struct cenv_proc_streams {
    int theirs[3], ours[3];
};
int cenv_proc_streams_open(struct cenv_proc_streams *streams, const int wanted[3],
                           struct cenv_error *err);
void cenv_proc_streams_release(struct cenv_proc_streams *streams);
/* Closes `theirs`, once the child has them. */
void cenv_proc_streams_hand_over(struct cenv_proc_streams *streams);

/*
 * Starts it. Signals that Python ignores are as usual for it, and of other descriptors it has only
 * those of `streams`. CENV_EOS with the name of the program, or of a `cwd` that is no directory.
 */
int cenv_proc_start(const struct cenv_proc *proc,
                    const struct cenv_proc_streams *streams, int *pid,
                    struct cenv_error *err);

/* What is said to a program, and what it says. */
struct cenv_proc_talk {
    /* Written to its stdin, which is then closed. */
    struct cenv_str input;
    /* Of stdout and stderr, appended to; NULL where there is no pipe. */
    struct cenv_buf *said[2];
    /* < 0: none. */
    int64_t timeout_ms;
    /* Its pipes are read until it ends, also when a child of it keeps them. */
    bool until_exit;
    /* What goes beyond a ceiling is dropped; else the program is ended. */
    bool drop;
    /* Set: it was ended for the timeout. */
    bool timed_out;
};

/*
 * Talks with the child and waits for it, polling `task`; our ends of its pipes are closed. Whatever
 * ends it early (the timeout, a cancelled call: CENV_ECANCELLED, a ceiling: CENV_EFAIL) kills its
 * group. How the program ends is no error, see `status`.
 */
int cenv_proc_follow(int pid, struct cenv_proc_streams *streams,
                     struct cenv_proc_talk *talk, struct cenv_proc_status *status,
                     struct cenv_task *task, struct cenv_error *err);

/*
 * Runs it with stdin at end of file; stdout and stderr are appended to `output` together until its
 * ceiling, the rest is read and dropped (`failed` stays unset). A program that cannot be started is
 * CENV_EOS; one that fails is no error, see `status`. Output is read until the program ends, also
 * when a child of it keeps the pipe.
 */
int cenv_proc_run(const struct cenv_proc *proc, struct cenv_buf *output,
                  struct cenv_proc_status *status, struct cenv_task *task,
                  struct cenv_error *err);

/*
 * Appends the path of the first executable file `name` in the directories of `path` (as PATH has
 * them); a name with a "/" is its own path. 1 where there is none.
 */
int cenv_proc_find(const char *name, const char *path, struct cenv_buf *out);

#endif
