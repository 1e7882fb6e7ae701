/* SPDX-License-Identifier: BSD-3-Clause */
/* All allocation of the core, and of cJSON in it: checked multiplication, and a hook that fails the
 * n-th call in tests. */
#ifndef CENV_BASE_ALLOC_H
#define CENV_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* As malloc, calloc, realloc; NULL when out of memory or when nr * size overflows. */
void *cenv_malloc(size_t size) __attribute__((malloc));
void *cenv_calloc(size_t nr, size_t size) __attribute__((malloc));
void *cenv_realloc(void *block, size_t size);
void *cenv_reallocarray(void *block, size_t nr, size_t size);
void cenv_free(void *block); /* NULL is fine */

/* Copies; NULL when out of memory. `cenv_memdup` adds a NUL behind the bytes. Caller frees. */
char *cenv_strdup(const char *text) __attribute__((malloc));
char *cenv_memdup(const void *data, size_t len) __attribute__((malloc));

/*
 * Whether memory ran out since the last cenv_alloc_watch() of this thread: for libraries that tell
 * a failed allocation of their own as bad data, or not at all. It reads errno, which each of them
 * leaves alone; call it right behind theirs.
 */
void cenv_alloc_watch(void);
bool cenv_alloc_failed(void);

/*
 * Makes room for one more element in a growing array: *block has room for *alloc elements of
 * `size` bytes and holds `nr`. False when out of memory, with nothing changed.
 */
bool cenv_grow(void **block, size_t *alloc, size_t nr, size_t size);

#ifdef CENV_FAULTS
/*
 * Test builds only: the n-th allocation from now fails (0: none); whether the one that was wished
 * for before was not reached yet. Blocks now alive.
 */
bool cenv_alloc_fail_nth(long n);
long cenv_alloc_live(void);
#endif

#endif
