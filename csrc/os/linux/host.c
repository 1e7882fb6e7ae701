/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts about this machine: see host.h. */
#include "os/host.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "os/cpu.h"
#include "os/cuda.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

void cenv_host_facts(struct cenv_host *out)
{
    struct utsname sys;
    memset(out, 0, sizeof(*out));
    if (uname(&sys) < 0)
        return;
    snprintf(out->os, sizeof(out->os), "%s", "linux");
    snprintf(out->machine, sizeof(out->machine), "%s", sys.machine);
    snprintf(out->kernel, sizeof(out->kernel), "%s", sys.release);
    snprintf(out->hostname, sizeof(out->hostname), "%s", sys.nodename);
    cenv_cpu_microarch(sys.machine, out->microarch, sizeof(out->microarch));
#ifdef __GLIBC__
    snprintf(out->libc_family, sizeof(out->libc_family), "glibc");
    snprintf(out->libc_version, sizeof(out->libc_version), "%s",
             gnu_get_libc_version());
#endif
}

void cenv_host_name(char *out, size_t size)
{
    struct utsname sys;
    snprintf(out, size, "%s", uname(&sys) == 0 ? sys.nodename : "");
}

/* The places where conda looks (conda/plugins/virtual_packages/cuda.py). */
int cenv_host_cuda(char *out, size_t size)
{
    static const char *const names[] = {
        "libcuda.so.1",
        "libcuda.so",
        "/usr/lib64/nvidia/libcuda.so",
        "/usr/lib/x86_64-linux-gnu/libcuda.so",
        "/usr/lib/wsl/lib/libcuda.so",
        NULL,
    };
    return cenv_cuda_version(names, out, size);
}

int cenv_host_cuda_arch(char *out, size_t size)
{
    static const char *const names[] = {
        "libnvidia-ml.so.1",
        "libnvidia-ml.so",
        "/usr/lib64/nvidia/libnvidia-ml.so.1",
        "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
        "/usr/lib/wsl/lib/libnvidia-ml.so.1",
        NULL,
    };
    return cenv_cuda_arch(names, out, size);
}

void cenv_host_local_time(char *out, size_t size)
{
    struct tm local;
    time_t now = time(NULL);
    *out = '\0';
    if (localtime_r(&now, &local))
        strftime(out, size, "%Y-%m-%d %H:%M:%S", &local);
}

static unsigned cpus_by_affinity(void)
{
    cpu_set_t set;
    int nr = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return nr > 0 ? (unsigned)nr : 1;
}

/* "max 100000" or "150000 100000": microseconds of work in each period. */
static unsigned cpus_by_quota(void)
{
    char text[64] = "";
    unsigned long quota, period;
    int fd = cenv_raw_open_file(CENV_CWD, "/sys/fs/cgroup/cpu.max", NULL);
    int64_t n = fd < 0 ? 0 : cenv_raw_read(fd, text, sizeof(text) - 1);
    cenv_fd_close(fd);
    if (n <= 0 || sscanf(text, "%lu %lu", &quota, &period) != 2 || !quota || !period)
        return UINT32_MAX;
    unsigned long cpus = (quota + period - 1) / period;
    return cpus < UINT32_MAX ? (unsigned)cpus : UINT32_MAX;
}

unsigned cenv_host_cpus(void)
{
    unsigned by_affinity = cpus_by_affinity(), by_quota = cpus_by_quota();
    return by_affinity < by_quota ? by_affinity : by_quota;
}

bool cenv_host_nonce(uint64_t *out)
{
    return getrandom(out, sizeof(*out), GRND_NONBLOCK) == sizeof(*out);
}
