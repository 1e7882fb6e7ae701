/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes by their numbers: see pid.h. What sysctl says of them. */
#include "os/pid.h"

#include <errno.h>
#include <signal.h>
#include <sys/sysctl.h>
#include <sys/types.h>
#include <unistd.h>

int64_t cenv_pid_self(void)
{
    return getpid();
}

bool cenv_pid_is_gone(int64_t pid)
{
    return pid <= 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

/* Microseconds since 1970. */
uint64_t cenv_pid_start(int64_t pid)
{
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)pid};
    struct kinfo_proc info;
    size_t len = sizeof(info);
    if (sysctl(name, 4, &info, &len, NULL, 0) < 0 || len < sizeof(info))
        return 0;
    struct timeval start = info.kp_proc.p_starttime;
    return (uint64_t)start.tv_sec * 1000000 + (uint64_t)start.tv_usec;
}

uint64_t cenv_pid_space(void)
{
    return 0; /* macOS has one space of numbers */
}

void cenv_pid_boot(char *out, size_t size)
{
    size_t len = size - 1;
    out[0] = '\0';
    if (sysctlbyname("kern.bootsessionuuid", out, &len, NULL, 0) == 0)
        out[len] = '\0';
}
