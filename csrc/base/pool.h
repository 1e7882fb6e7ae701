/* SPDX-License-Identifier: BSD-3-Clause */
/* Fork-join parallelism: threads live inside one call, so that a later fork is safe. */
#ifndef CENV_BASE_POOL_H
#define CENV_BASE_POOL_H

#include <stddef.h>

#include "base/error.h"
#include "base/task.h"

/* Job `index` on thread `thread` (0: the calling one). Returns 0 or a status with `err` set. */
typedef int (*cenv_job_fn)(void *ctx, size_t index, unsigned thread,
                           struct cenv_error *err);

/*
 * Runs jobs 0 .. nr-1, taken in order, on at most `threads` threads, the calling one among them
 * (threads <= 1, or a thread that cannot be started: fewer, at the least the calling one). After a
 * failure no further job starts. The failure of the lowest index is reported, so that messages are
 * deterministic. `ctx` must live until the call returns.
 */
int cenv_pool_run(unsigned threads, size_t nr, cenv_job_fn job, void *ctx,
                  struct cenv_task *task, struct cenv_error *err);

#endif
