/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoding and search against exhaustive search on small random instances. */
#include "small_instance.h"

static void test_search__is_the_lexicographic_optimum(void)
{
    int solvable = 0;
    for (uint32_t round = 0; round < 1500; round++) {
        struct small s;
        uint32_t want[NAMES], got[NAMES];
        char label[32];
        snprintf(label, sizeof(label), "seed %u", seed);
        check_case(label);
        make_small(&s);
        bool found = search_exhaustively(&s.in, want);
        solvable += found;
        unsigned flags = round % 4 == 0 ? CENV_ENCODE_SOFT : 0;
        if (CHECK_INT(search_small(&s.in, flags, got), found) && found)
            CHECK_MEM(got, want, sizeof(want));
    }
    CHECK(solvable > 300 && solvable < 1400);
}

int main(void)
{
    RUN(test_search__is_the_lexicographic_optimum);
    return check_report();
}
