/* SPDX-License-Identifier: BSD-3-Clause */
/* Capabilities of this thread, for which the C library has no calls. Async-signal-safe. */
#ifndef CENV_OS_LINUX_POWERS_H
#define CENV_OS_LINUX_POWERS_H

#include <linux/capability.h>

struct cenv_powers {
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
};

/* SYS_capget or SYS_capset: 0, or -1 with errno. */
long cenv_powers_call(long call, struct cenv_powers *powers);

/* Uses all that the process may use; returns what it used before. */
struct cenv_powers cenv_powers_take_up(void);

/* Uses again what it used then. errno stays. */
void cenv_powers_lay_down(struct cenv_powers *had);

#endif
