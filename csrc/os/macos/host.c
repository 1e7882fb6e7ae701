/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts about this machine: see host.h. */
#include "os/host.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/utsname.h>
#include <time.h>

#include "os/cpu.h"

static void read_sysctl(const char *name, char *out, size_t size)
{
    size_t len = size - 1;
    out[0] = '\0';
    if (sysctlbyname(name, out, &len, NULL, 0) == 0)
        out[len] = '\0';
}

/* "Apple M2 Pro": archspec's m2. */
static void write_microarch(const char *machine, char *out, size_t size)
{
    char brand[64], *m;
    read_sysctl("machdep.cpu.brand_string", brand, sizeof(brand));
    m = strstr(brand, "Apple M");
    if (m && isdigit((unsigned char)m[7]))
        snprintf(out, size, "m%c", m[7]);
    else
        cenv_cpu_microarch(machine, out, size);
}

void cenv_host_facts(struct cenv_host *out)
{
    struct utsname sys;
    memset(out, 0, sizeof(*out));
    if (uname(&sys) < 0)
        return;
    snprintf(out->os, sizeof(out->os), "osx");
    snprintf(out->machine, sizeof(out->machine), "%s", sys.machine);
    read_sysctl("kern.osproductversion", out->kernel, sizeof(out->kernel));
    snprintf(out->hostname, sizeof(out->hostname), "%.64s", sys.nodename);
    write_microarch(sys.machine, out->microarch, sizeof(out->microarch));
}

void cenv_host_name(char *out, size_t size)
{
    struct utsname sys;
    snprintf(out, size, "%s", uname(&sys) == 0 ? sys.nodename : "");
}

/* NVIDIA's last driver for macOS is of 10.13. */
int cenv_host_cuda(char *out, size_t size)
{
    if (size)
        *out = '\0';
    return 0;
}

int cenv_host_cuda_arch(char *out, size_t size)
{
    return cenv_host_cuda(out, size);
}

unsigned cenv_host_cpus(void)
{
    int nr = 0;
    size_t len = sizeof(nr);
    int rc = sysctlbyname("hw.activecpu", &nr, &len, NULL, 0);
    return rc == 0 && nr > 0 ? (unsigned)nr : 1;
}

bool cenv_host_nonce(uint64_t *out)
{
    arc4random_buf(out, sizeof(*out));
    return true;
}

void cenv_host_local_time(char *out, size_t size)
{
    struct tm local;
    time_t now = time(NULL);
    *out = '\0';
    if (localtime_r(&now, &local))
        strftime(out, size, "%Y-%m-%d %H:%M:%S", &local);
}
