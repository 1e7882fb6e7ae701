/* SPDX-License-Identifier: BSD-3-Clause */
/* model/channelmatch: names, URLs, mirrors, "defaults". */
#include "model/channelmatch.h"

#include "base/alloc.h"
#include "check.h"

static void test_channelmatch__tests(void)
{
    static const struct {
        const char *spec, *subdir, *name, *url;
        bool matches;
    } cases[] = {
        {"*", "", "conda-forge", "https://h/conda-forge", true},
        {"conda-forge", "", "conda-forge", "https://mirror/conda-forge", true},
        {"conda-forge", "", "https://mirror/conda-forge", "https://mirror/conda-forge",
         true},
        {"conda-forge", "", "bioconda", "https://h/bioconda", false},
        {"conda-forge/linux-64", "linux-64", "conda-forge", "https://h/conda-forge",
         true},
        {"https://conda.anaconda.org/conda-forge", "", "conda-forge",
         "https://conda.anaconda.org/conda-forge", true},
        {"https://host/ch/noarch", "noarch", "https://host/ch", "https://host/ch",
         true},
        {"http://host/ch", "", "https://host/ch", "https://host/ch", true},
        {"https://host/ch", "", "https://other/ch", "https://other/ch", false},
        {"conda-*", "", "conda-forge", "https://h/conda-forge", true},
        {"conda-*", "", "bioconda", "https://h/bioconda", false},
        {"defaults", "", "pkgs/main", "https://repo.anaconda.com/pkgs/main", true},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_channelmatch m = {0};
        struct cenv_str subdir = CENV_STR("");
        check_case(cases[i].spec);
        if (CHECK_INT(cenv_channelmatch_parse(&m, &subdir, cenv_str(cases[i].spec),
                                              &arena, &err),
                      0)) {
            CHECK(cenv_str_is(subdir, cases[i].subdir));
            CHECK_INT(cenv_channelmatch_test(&m, cenv_str(cases[i].name),
                                             cenv_str(cases[i].url)),
                      cases[i].matches);
        }
        cenv_arena_release(&arena);
    }
}

int main(void)
{
    RUN(test_channelmatch__tests);
    return check_report();
}
