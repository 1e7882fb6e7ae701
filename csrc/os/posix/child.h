/* SPDX-License-Identifier: BSD-3-Clause */
/* What running a program needs of POSIX systems and each has otherwise. */
#ifndef CENV_OS_CHILD_H
#define CENV_OS_CHILD_H

#include <spawn.h>
#include <stdbool.h>
#include <sys/types.h>

/* A pipe, both ends close-on-exec: 0 or -errno. */
int cenv_child_pipe(int ends[2]);

/* A descriptor that poll() finds readable once the child has ended, or -1. */
int cenv_child_watch(pid_t pid);

/* Whether the C library can give a child a working directory; without, a shell has to. */
bool cenv_child_can_chdir(void);

/* The child's working directory: 0 or errno, as posix_spawn's own. */
int cenv_child_add_chdir(posix_spawn_file_actions_t *actions, const char *cwd);

/* Closes in the child what it would inherit beyond stderr: 0 or errno. */
int cenv_child_add_closes(posix_spawn_file_actions_t *actions);

/*
 * In a forked child that does not exec: closes all that it inherited but these two, so that no lock
 * of its parent's lasts as long as the child. Safe in a child of a process with threads.
 */
void cenv_child_close_others(int keep, int keep_too);

/* The environment of this process. */
char *const *cenv_child_environ(void);

#endif
