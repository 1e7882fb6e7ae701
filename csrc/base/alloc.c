/* SPDX-License-Identifier: BSD-3-Clause */
/* All allocation of the core: see alloc.h. The only file that calls malloc and its kin. */
#include "base/alloc.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef CENV_FAULTS
#include <stdatomic.h>
static atomic_long fail_in;
static atomic_long live;

bool cenv_alloc_fail_nth(long n)
{
    return atomic_exchange(&fail_in, n) > 0;
}

long cenv_alloc_live(void)
{
    return atomic_load(&live);
}

static int fails_now(void)
{
    bool fails = atomic_load(&fail_in) > 0 && atomic_fetch_sub(&fail_in, 1) == 1;
    if (fails)
        errno = ENOMEM; /* as malloc does */
    return fails;
}

static void *count_block(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}
#define FAILS_NOW()    fails_now()
#define COUNTED(block) count_block(block)
#define UNCOUNT(block) ((void)((block) && atomic_fetch_sub(&live, 1)))
#else
#define FAILS_NOW()    0
#define COUNTED(block) (block)
#define UNCOUNT(block) ((void)0)
#endif

void *cenv_malloc(size_t size)
{
    return FAILS_NOW() ? NULL : COUNTED(malloc(size ? size : 1));
}

void *cenv_calloc(size_t nr, size_t size)
{
    return FAILS_NOW() ? NULL : COUNTED(calloc(nr ? nr : 1, size ? size : 1));
}

void *cenv_realloc(void *block, size_t size)
{
    if (!block)
        return cenv_malloc(size);
    return FAILS_NOW() ? NULL : realloc(block, size ? size : 1);
}

void *cenv_reallocarray(void *block, size_t nr, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(nr, size, &total))
        return NULL;
    return cenv_realloc(block, total);
}

void cenv_free(void *block)
{
    UNCOUNT(block);
    free(block);
}

void cenv_alloc_watch(void)
{
    errno = 0;
}

bool cenv_alloc_failed(void)
{
    return errno == ENOMEM;
}

char *cenv_memdup(const void *data, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = cenv_malloc(len + 1);
    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

char *cenv_strdup(const char *text)
{
    return cenv_memdup(text, strlen(text));
}

bool cenv_grow(void **block, size_t *alloc, size_t nr, size_t size)
{
    if (nr < *alloc)
        return true;
    size_t want = *alloc < 8 ? 16 : *alloc + *alloc / 2;
    void *grown = cenv_reallocarray(*block, want, size);
    if (!grown)
        return false;
    *block = grown;
    *alloc = want;
    return true;
}
