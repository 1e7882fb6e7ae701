/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes by their numbers, and what those numbers count in. */
#ifndef CENV_OS_PID_H
#define CENV_OS_PID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This process. */
int64_t cenv_pid_self(void);
/* No such process here (in this container, that is). */
bool cenv_pid_is_gone(int64_t pid);
/* When it was started, in the system's own units (Linux: clock ticks since boot); 0 unknown. */
uint64_t cenv_pid_start(int64_t pid);
/* What tells the numbers of this container from those of others (Linux: an inode); 0 unknown. */
uint64_t cenv_pid_space(void);
/* What tells this boot of the host from others, of CENV_PID_BOOT bytes at most; "" unknown. */
enum { CENV_PID_BOOT = 40 };
void cenv_pid_boot(char *out, size_t size);

#endif
