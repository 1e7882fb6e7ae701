/* SPDX-License-Identifier: BSD-3-Clause */
/* base/arena: alignment, large blocks, copies with a NUL behind. */
#include "base/arena.h"

#include <stdint.h>

#include "base/alloc.h"
#include "check.h"

static void test_arena__gives_aligned_memory(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    for (size_t size = 1; size < 3000; size += 7) {
        char *odd = cenv_arena_str(&arena, CENV_STR("odd")).data
                        ? cenv_arena_alloc(&arena, size)
                        : NULL;
        if (!CHECK(odd))
            break;
        CHECK_INT((uintptr_t)odd % _Alignof(max_align_t), 0);
        memset(odd, 0xff, size);
    }
    cenv_arena_release(&arena);
    CHECK_INT(arena.total, 0);
}

static void test_arena__clears_and_bounds(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    const char *zeros = cenv_arena_calloc(&arena, 10, 10);
    static const char none[100];
    if (CHECK(zeros))
        CHECK_MEM(zeros, none, 100);
    CHECK(!cenv_arena_calloc(&arena, SIZE_MAX / 2, 3));
    CHECK(cenv_arena_alloc(&arena, 5 << 20));
    cenv_arena_release(&arena);
}

static void test_arena__copies_strings(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_str copy = cenv_arena_str(&arena, cenv_str_n("abcd", 2));
    CHECK_STR(copy.data, "ab");
    CHECK_INT(copy.len, 2);
    CHECK_STR(cenv_arena_str(&arena, cenv_str_n(NULL, 0)).data, "");
    cenv_arena_release(&arena);
}

static void test_arena__lacks_memory(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    cenv_alloc_fail_nth(1);
    CHECK(!cenv_arena_str(&arena, CENV_STR("a")).data);
    cenv_alloc_fail_nth(0);
    CHECK_STR(cenv_arena_str(&arena, CENV_STR("a")).data, "a");
    cenv_arena_release(&arena);
}

int main(void)
{
    RUN(test_arena__gives_aligned_memory);
    RUN(test_arena__clears_and_bounds);
    RUN(test_arena__copies_strings);
    RUN(test_arena__lacks_memory);
    return check_report();
}
