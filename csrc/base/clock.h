/* SPDX-License-Identifier: BSD-3-Clause */
/* Time that only goes forward, for durations. */
#ifndef CENV_BASE_CLOCK_H
#define CENV_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of the monotonic clock. */
uint64_t cenv_clock_ns(void);

#endif
