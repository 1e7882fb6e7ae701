/* SPDX-License-Identifier: BSD-3-Clause */
/* From open file to open file, holes kept; where they are. */
#ifndef CENV_OS_RAW_COPY_H
#define CENV_OS_RAW_COPY_H

#include <stdint.h>

#include "base/task.h"

/*
 * Copies `size` bytes from 0, holes kept, by what the system has for it; data only. ECANCELED: the
 * task (NULL: none) is cancelled, which is looked at now and then.
 */
int cenv_raw_copy_data(int from_fd, int to_fd, uint64_t size, struct cenv_task *task);
/* The first `size` bytes into an empty file; writing goes on behind them. */
int cenv_raw_copy_head(int from_fd, int to_fd, uint64_t size);
/*
 * Where at or behind `at` a file has data: UINT64_MAX when nothing but a hole follows, `at` itself
 * when the file system cannot tell. Moves the descriptor's position.
 */
uint64_t cenv_raw_find_data(int fd, uint64_t at);

#endif
