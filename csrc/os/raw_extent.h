/* SPDX-License-Identifier: BSD-3-Clause */
/* What file systems do for copies: sharing extents, copying a range by themselves. */
#ifndef CENV_OS_RAW_EXTENT_H
#define CENV_OS_RAW_EXTENT_H

#include <stdint.h>

/*
 * Shares the extents of all of `from_fd` with the new file `to_fd`; its name may be given to
 * another file, which the descriptor then is of (macOS). EOPNOTSUPP, EXDEV, EINVAL where that
 * cannot work.
 */
int cenv_raw_reflink(int from_fd, int to_fd);

/* The bytes from `at` to `end`, to the same place, in the fastest way; 0 or -errno. */
int cenv_raw_copy_range(int from, int to, uint64_t at, uint64_t end);

#endif
