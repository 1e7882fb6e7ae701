/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts about this machine: see host.h. */
#define _CRT_RAND_S /* rand_s: random bits of the system */
#include "os/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/cpu.h"
#include "os/cuda.h"
#include "os/library.h"
#include "os/windows/win.h"

/* As uname -m has it elsewhere. */
static const char *machine_name(void)
{
    SYSTEM_INFO info;
    GetNativeSystemInfo(&info);
    switch (info.wProcessorArchitecture) {
    case PROCESSOR_ARCHITECTURE_AMD64:
        return "x86_64";
    case 12: /* PROCESSOR_ARCHITECTURE_ARM64 */
        return "arm64";
    default:
        return "x86";
    }
}

/* The kernel is asked: GetVersionEx lies to programs whose manifest names no newer system. */
static void write_version(char *out, size_t size)
{
    static const char *const names[] = {"ntdll.dll", NULL};
    LONG(WINAPI * ask)(OSVERSIONINFOW *);
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};
    void *library = cenv_library_open(names);
    if (library && cenv_library_find(library, "RtlGetVersion", &ask) &&
        ask(&version) == 0)
        snprintf(out, size, "%lu.%lu.%lu", version.dwMajorVersion,
                 version.dwMinorVersion, version.dwBuildNumber);
    cenv_library_close(library);
}

void cenv_host_facts(struct cenv_host *out)
{
    const char *machine = machine_name();
    memset(out, 0, sizeof(*out));
    snprintf(out->os, sizeof(out->os), "win");
    snprintf(out->machine, sizeof(out->machine), "%s", machine);
    write_version(out->kernel, sizeof(out->kernel));
    cenv_host_name(out->hostname, sizeof(out->hostname));
    cenv_cpu_microarch(machine, out->microarch, sizeof(out->microarch));
}

void cenv_host_name(char *out, size_t size)
{
    WCHAR name[256];
    DWORD len = sizeof(name) / sizeof(name[0]);
    if (!GetComputerNameExW(ComputerNameDnsHostname, name, &len) ||
        cenv_win_narrow(name, len, out, size) < 0)
        *out = '\0';
}

int cenv_host_cuda(char *out, size_t size)
{
    static const char *const names[] = {"nvcuda.dll", NULL};
    return cenv_cuda_version(names, out, size);
}

int cenv_host_cuda_arch(char *out, size_t size)
{
    static const char *const names[] = {"nvml.dll", NULL};
    return cenv_cuda_arch(names, out, size);
}

unsigned cenv_host_cpus(void)
{
    DWORD_PTR mine = 0, all = 0;
    unsigned nr = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all))
        for (; mine; mine &= mine - 1)
            nr++;
    return nr ? nr : 1;
}

bool cenv_host_nonce(uint64_t *out)
{
    unsigned high, low;
    if (rand_s(&high) != 0 || rand_s(&low) != 0)
        return false;
    *out = (uint64_t)high << 32 | low;
    return true;
}

void cenv_host_local_time(char *out, size_t size)
{
    SYSTEMTIME now;
    GetLocalTime(&now);
    snprintf(out, size, "%04u-%02u-%02u %02u:%02u:%02u", now.wYear, now.wMonth,
             now.wDay, now.wHour, now.wMinute, now.wSecond);
}
