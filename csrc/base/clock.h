/* SPDX-License-Identifier: BSD-3-Clause */
/* Time that only goes forward, for durations, and its passing. */
#ifndef CENV_BASE_CLOCK_H
#define CENV_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of the monotonic clock. */
uint64_t cenv_clock_ns(void);

/* Waits for so many microseconds, less than a second; a signal may end it sooner. */
void cenv_clock_sleep_us(long us);

#endif
