/* SPDX-License-Identifier: BSD-3-Clause */
/* Who owns something that outlives a call, and whether that process still lives. */
#ifndef CENV_OS_OWNER_H
#define CENV_OS_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/pid.h"

/*
 * A process, told apart from others that get its number later (start time), from other boots (boot
 * id), other hosts and other containers.
 */
struct cenv_owner {
    int64_t pid;
    uint64_t start;  /* as cenv_pid_start() */
    uint64_t pid_ns; /* as cenv_pid_space() */
    char boot_id[CENV_PID_BOOT];
    char host[65];
};
/* This process; what cannot be found is left 0 or "". */
void cenv_owner_self(struct cenv_owner *out);
/* Process `pid` of this host, which is not checked to be there. */
void cenv_owner_of(int64_t pid, struct cenv_owner *out);
/* Appends "process 123 on host since 2026-11-22 20:15:03" (local time): this one, from now. */
bool cenv_owner_text(struct cenv_buf *out);
/* False only when it surely is gone: same host and (another boot, or same container and no such
 * process). */
bool cenv_owner_may_live(const struct cenv_owner *owner);

#endif
