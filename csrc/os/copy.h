/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes from one open file to another, through memory: what every system can. */
#ifndef CENV_OS_COPY_H
#define CENV_OS_COPY_H

#include <stdint.h>

/* The bytes from `at` to `end`, to the same place: 0 or -errno; EIO when `from` ends before. */
int cenv_raw_copy_bytes(int from, int to, uint64_t at, uint64_t end);

#endif
