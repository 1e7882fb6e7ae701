/* SPDX-License-Identifier: BSD-3-Clause */
/* Without dominated candidates verdict and optimum are the same. */
#include "small_instance.h"
#include "solve/dominate.h"

/* As search_small, on what is left without dominated candidates; *dropped counts the candidates that are not. */
static int search_undominated(const struct cenv_instance *in, uint32_t *choice,
                              uint32_t *dropped)
{
    struct cenv_undominated r;
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(cenv_dominate_drop(&r, in, &err), 0);
    *dropped += in->nr_cands - r.in.nr_cands;
    int rc = search_small(&r.in, 0, choice);
    if (rc > 0)
        cenv_dominate_expand(&r, in, choice);
    cenv_dominate_release(&r);
    return rc;
}

static void test_dominate__keeps_verdict_and_optimum(void)
{
    uint32_t dropped = 0;
    for (uint32_t round = 0; round < 3000; round++) {
        struct small s;
        uint32_t want[NAMES], got[NAMES];
        char label[32];
        snprintf(label, sizeof(label), "seed %u", seed);
        check_case(label);
        make_small(&s);
        bool found = search_exhaustively(&s.in, want);
        if (CHECK_INT(search_undominated(&s.in, got, &dropped), found) && found)
            CHECK_MEM(got, want, sizeof(want));
    }
    CHECK(dropped > 1500);
}

int main(void)
{
    RUN(test_dominate__keeps_verdict_and_optimum);
    return check_report();
}
