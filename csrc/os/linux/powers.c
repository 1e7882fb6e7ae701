/* SPDX-License-Identifier: BSD-3-Clause */
/* Capabilities by system calls: see powers.h. */
#include "os/linux/powers.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

long cenv_powers_call(long call, struct cenv_powers *powers)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(call, &head, powers->half);
}

struct cenv_powers cenv_powers_take_up(void)
{
    struct cenv_powers had = {0}, all;
    if (cenv_powers_call(SYS_capget, &had) < 0)
        return had;
    all = had;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        all.half[i].effective = all.half[i].permitted;
    if (memcmp(&all, &had, sizeof(all)) != 0)
        cenv_powers_call(SYS_capset, &all);
    return had;
}

void cenv_powers_lay_down(struct cenv_powers *had)
{
    struct cenv_powers now = {0};
    int error = errno;
    if (cenv_powers_call(SYS_capget, &now) == 0 && memcmp(&now, had, sizeof(now)) != 0)
        cenv_powers_call(SYS_capset, had);
    errno = error;
}
