/* SPDX-License-Identifier: BSD-3-Clause */
/* The levels of x86-64 (psABI), by asking the processor. */
#include "os/cpu.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

void cenv_cpu_microarch(const char *machine, char *out, size_t size)
{
    int level = level_of_system();
    (void)machine;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (wanted[i].level <= level && !has_bits(i))
            level = wanted[i].level - 1;
    if (level < 2) /* archspec has no v1 */
        snprintf(out, size, "x86_64");
    else
        snprintf(out, size, "x86_64_v%d", level);
}
#else
void cenv_cpu_microarch(const char *machine, char *out, size_t size)
{
    snprintf(out, size, "%s", machine);
}
#endif
