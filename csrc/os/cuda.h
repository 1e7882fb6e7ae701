/* SPDX-License-Identifier: BSD-3-Clause */
/* The CUDA driver, asked for its version. */
#ifndef CENV_OS_CUDA_H
#define CENV_OS_CUDA_H

#include <stddef.h>

/* The version that the first of these libraries supports ("12.4"): 1, or 0 and "". */
int cenv_cuda_version(const char *const *libraries, char *out, size_t size);

#endif
