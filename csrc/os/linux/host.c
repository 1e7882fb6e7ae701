/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts about this machine: see host.h. */
#include "os/host.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "os/fs.h"
#include "os/library.h"

#if defined(__x86_64__)
/* The psABI's levels: every bit of a row must be there; a level needs all rows up to its own. */
enum cpuid_reg { EAX, EBX, ECX, EDX };
static const struct {
    int level;
    uint32_t leaf;
    enum cpuid_reg reg;
    uint32_t bits;
} wanted[] = {
    /* sse3, ssse3, cx16, sse4.1, sse4.2, popcnt; lahf */
    {2, 1, ECX, 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23},
    {2, 0x80000001, ECX, 1u << 0},
    /* fma, movbe, osxsave, avx, f16c; lzcnt; bmi1, avx2, bmi2 */
    {3, 1, ECX, 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29},
    {3, 0x80000001, ECX, 1u << 5},
    {3, 7, EBX, 1u << 3 | 1u << 5 | 1u << 8},
    /* avx512 f, dq, cd, bw, vl */
    {4, 7, EBX, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31},
};

static bool has_bits(size_t row)
{
    unsigned regs[4] = {0};
    if (!__get_cpuid_count(wanted[row].leaf, 0, &regs[EAX], &regs[EBX], &regs[ECX],
                           &regs[EDX]))
        return false;
    return (regs[wanted[row].reg] & wanted[row].bits) == wanted[row].bits;
}

/* Registers the system saves: ymm for level 3, zmm and masks for level 4. */
static int level_of_system(void)
{
    unsigned a, b, c, d;
    uint32_t low = 0, high = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27))
        return 2;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x06) != 0x06)
        return 2;
    return (low & 0xe6) == 0xe6 ? 4 : 3;
}

static void write_microarch(const char *machine, char *out, size_t size)
{
    int level = level_of_system();
    (void)machine;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (wanted[i].level <= level && !has_bits(i))
            level = wanted[i].level - 1;
    snprintf(out, size, "x86_64_v%d", level);
}
#else
static void write_microarch(const char *machine, char *out, size_t size)
{
    snprintf(out, size, "%s", machine);
}
#endif

static const char *os_name(const char *sysname)
{
    if (strcmp(sysname, "Linux") == 0)
        return "linux";
    return strcmp(sysname, "Darwin") == 0 ? "osx" : "win";
}

void cenv_host_facts(struct cenv_host *out)
{
    struct utsname sys;
    memset(out, 0, sizeof(*out));
    if (uname(&sys) < 0)
        return;
    snprintf(out->os, sizeof(out->os), "%s", os_name(sys.sysname));
    snprintf(out->machine, sizeof(out->machine), "%s", sys.machine);
    snprintf(out->kernel, sizeof(out->kernel), "%s", sys.release);
    snprintf(out->hostname, sizeof(out->hostname), "%s", sys.nodename);
    write_microarch(sys.machine, out->microarch, sizeof(out->microarch));
#ifdef __GLIBC__
    snprintf(out->libc_family, sizeof(out->libc_family), "glibc");
    snprintf(out->libc_version, sizeof(out->libc_version), "%s",
             gnu_get_libc_version());
#endif
}

static int ask_driver(void *library)
{
    int version = 0;
    int (*ask)(int *version);
    if (cenv_library_find(library, "cuDriverGetVersion", &ask) < 0)
        return 0;
    return ask(&version) == 0 ? version : 0;
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
    void *library = cenv_library_open(names);
    int version = library ? ask_driver(library) : 0;
    cenv_library_close(library);
    *out = '\0';
    if (version)
        snprintf(out, size, "%d.%d", version / 1000, version % 1000 / 10);
    return version != 0;
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
