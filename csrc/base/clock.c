/* SPDX-License-Identifier: BSD-3-Clause */
/* The monotonic clock: see clock.h. */
#include "base/clock.h"

#include <time.h>

uint64_t cenv_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void cenv_clock_sleep_us(long us)
{
    struct timespec wait = {.tv_nsec = us * 1000};
    nanosleep(&wait, NULL);
}
