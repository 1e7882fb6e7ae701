/* SPDX-License-Identifier: BSD-3-Clause */
/* The processor, as archspec names it. */
#ifndef CENV_OS_CPU_H
#define CENV_OS_CPU_H

#include <stddef.h>

/* "x86_64", "x86_64_v2" .. "x86_64_v4", else `machine`. */
void cenv_cpu_microarch(const char *machine, char *out, size_t size);

#endif
