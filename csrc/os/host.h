/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts about this machine, as virtual packages need them (CEP 30). */
#ifndef CENV_OS_HOST_H
#define CENV_OS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every text is "" when the fact is not there. */
struct cenv_host {
    char os[16];      /* "linux", "osx", "win" */
    char machine[32]; /* uname -m: "x86_64", "aarch64", ... */
    /* uname -r in full: "6.1.0-18-amd64"; macOS "14.5"; Windows "10.0.22631". */
    char kernel[65];
    char libc_family[16];  /* "glibc", or "" (musl has no version to ask for) */
    char libc_version[32]; /* "2.36" */
    char microarch[32];    /* of archspec: "x86_64", "x86_64_v2"; else machine */
    char hostname[65];
};
void cenv_host_facts(struct cenv_host *out);

/* The time of day here: "2026-11-22 20:15:03", or "". */
void cenv_host_local_time(char *out, size_t size);

/* The host's name alone, or "". */
void cenv_host_name(char *out, size_t size);

/* The CUDA version the driver supports ("12.4"), by loading libcuda: 1, or 0 and "". */
int cenv_host_cuda(char *out, size_t size);

/* The lowest compute capability of the CUDA devices ("8.6"): 1, or 0 and "" without any. */
int cenv_host_cuda_arch(char *out, size_t size);

/* Processors this process may use (affinity, cgroup quota rounded up), at least 1. */
unsigned cenv_host_cpus(void);

/* Random bits, without waiting for any; false where there are none. */
bool cenv_host_nonce(uint64_t *out);

#endif
