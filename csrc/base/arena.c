/* SPDX-License-Identifier: BSD-3-Clause */
/* A bump allocator: see arena.h. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct cenv_arena_block {
    struct cenv_arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
};

void cenv_arena_init(struct cenv_arena *arena)
{
    *arena = (struct cenv_arena)CENV_ARENA_INIT;
}

void cenv_arena_release(struct cenv_arena *arena)
{
    while (arena->head) {
        struct cenv_arena_block *next = arena->head->next;
        cenv_free(arena->head);
        arena->head = next;
    }
    arena->total = 0;
}

static struct cenv_arena_block *add_block(struct cenv_arena *arena, size_t need)
{
    size_t size = arena->head ? arena->head->size * 2 : FIRST_BLOCK;
    size = size > LARGEST_BLOCK ? LARGEST_BLOCK : size;
    size = size < need ? need : size;
    if (size > SIZE_MAX - sizeof(struct cenv_arena_block))
        return NULL;
    struct cenv_arena_block *block = cenv_malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    *block = (struct cenv_arena_block){.next = arena->head, .size = size};
    arena->head = block;
    arena->total += size;
    return block;
}

static void *take_bytes(struct cenv_arena *arena, size_t size, size_t align)
{
    struct cenv_arena_block *block = arena->head;
    size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;
    if (!block || at > block->size || size > block->size - at) {
        block = add_block(arena, size);
        at = 0;
    }
    if (!block)
        return NULL;
    block->used = at + size;
    return block->data + at;
}

void *cenv_arena_alloc(struct cenv_arena *arena, size_t size)
{
    return take_bytes(arena, size, alignof(max_align_t));
}

void *cenv_arena_calloc(struct cenv_arena *arena, size_t nr, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(nr, size, &total))
        return NULL;
    void *block = cenv_arena_alloc(arena, total);
    return block ? memset(block, 0, total) : NULL;
}

struct cenv_str cenv_arena_str(struct cenv_arena *arena, struct cenv_str text)
{
    char *copy = take_bytes(arena, text.len + 1, 1);
    if (!copy)
        return (struct cenv_str){NULL, 0};
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return (struct cenv_str){copy, text.len};
}

struct cenv_str cenv_arena_lower(struct cenv_arena *arena, struct cenv_str text)
{
    size_t at = 0;
    while (at < text.len && text.data[at] == cenv_lower(text.data[at]))
        at++;
    if (at == text.len)
        return text;
    char *copy = take_bytes(arena, text.len + 1, 1);
    for (size_t i = 0; copy && i < text.len; i++)
        copy[i] = cenv_lower(text.data[i]);
    if (copy)
        copy[text.len] = '\0';
    return (struct cenv_str){copy, copy ? text.len : 0};
}
