/* SPDX-License-Identifier: BSD-3-Clause */
/* model/dist: file names of packages and their parts. */
#include "model/dist.h"

#include "check.h"

static void test_dist__splits(void)
{
    static const struct {
        const char *fn, *parts; /* name|version|build|stem|ext */
    } cases[] = {
        {"numpy-1.26.4-py312_0.conda",
         "numpy|1.26.4|py312_0|numpy-1.26.4-py312_0|.conda"},
        {"a-b-c-1-0.tar.bz2", "a-b-c|1|0|a-b-c-1-0|.tar.bz2"},
        {"a-1-0", "a|1|0|a-1-0|"},
        {"a-1-0.zip", "a|1|0.zip|a-1-0.zip|"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_dist d;
        char got[200];
        check_case(cases[i].fn);
        if (!CHECK(cenv_dist_split(&d, cenv_str(cases[i].fn))))
            continue;
        snprintf(got, sizeof(got), "%.*s|%.*s|%.*s|%.*s|%.*s", CENV_STR_ARG(d.name),
                 CENV_STR_ARG(d.version), CENV_STR_ARG(d.build), CENV_STR_ARG(d.stem),
                 CENV_STR_ARG(d.ext));
        CHECK_STR(got, cases[i].parts);
    }
}

static void test_dist__refuses(void)
{
    static const char *const cases[] = {"",     "a",    "a-1", "a-1.conda",
                                        "-1-0", "a--0", "a-1-"};
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_dist d = {.name = CENV_STR("as it was")};
        check_case(cases[i]);
        CHECK(!cenv_dist_split(&d, cenv_str(cases[i])));
        CHECK(cenv_str_is(d.name, "as it was"));
    }
}

int main(void)
{
    RUN(test_dist__splits);
    RUN(test_dist__refuses);
    return check_report();
}
