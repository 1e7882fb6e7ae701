/* SPDX-License-Identifier: BSD-3-Clause */
/* Near names: distances, limits, order. */
#include "check.h"

#include "base/nearname.h"

static const char *const offered[] = {
    "numpy", "numba",        "nump",         "pandas", "numpydoc",
    "numpy", "scikit-learn", "scikit-build", "pip",    "pil"};

static void test_nearname__finds(void)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"nmupy", "numpy nump"}, /* two neighbours swapped are one edit */
        {"numpi", "nump numpy numba"},
        {"Scikit_Learn", "scikit-learn"}, /* separators and case do not count */
        {"scikit-lern", "scikit-learn"},
        {"pi", "pil pip"}, /* equally near: bytewise */
        {"x", ""},
        {"entirely-other", ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_nearname near;
        char got[128] = "";
        check_case(cases[i].name);
        cenv_nearname_init(&near, cenv_str(cases[i].name));
        for (size_t k = 0; k < CHECK_NR(offered); k++)
            cenv_nearname_offer(&near, cenv_str(offered[k]));
        for (size_t k = 0; k < near.nr; k++) {
            strcat(got, k ? " " : "");
            strncat(got, near.best[k].data, near.best[k].len);
        }
        CHECK_STR(got, cases[i].want);
    }
}

static void test_nearname__keeps_the_nearest(void)
{
    static const char *const names[] = {"abcdefgh", "abcdefgx", "abcdefyx", "abcdefg",
                                        "abcdef"};
    struct cenv_nearname near;
    cenv_nearname_init(&near, cenv_str("abcdefgh"));
    for (size_t k = CHECK_NR(names); k-- > 0;)
        cenv_nearname_offer(&near, cenv_str(names[k]));
    CHECK_INT(near.nr, 3);
    CHECK(cenv_str_is(near.best[0], "abcdefgh"));
    CHECK(cenv_str_is(near.best[1], "abcdefg"));
    CHECK(cenv_str_is(near.best[2], "abcdefgx"));
}

int main(void)
{
    RUN(test_nearname__finds);
    RUN(test_nearname__keeps_the_nearest);
    return check_report();
}
