/* SPDX-License-Identifier: BSD-3-Clause */
/* NVIDIA's driver, asked for its CUDA version and for its devices. */
#ifndef CENV_OS_CUDA_H
#define CENV_OS_CUDA_H

#include <stddef.h>

/* The version that the first of these libraries supports ("12.4"): 1, or 0 and "". */
int cenv_cuda_version(const char *const *libraries, char *out, size_t size);

/*
 * The lowest compute capability of all devices ("8.6"): 1, or 0 and "" without any. `libraries` are
 * of NVML: libcuda must be initialised before it tells of devices, and then no child that this
 * process forks could use CUDA.
 */
int cenv_cuda_arch(const char *const *libraries, char *out, size_t size);

#endif
