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

static void test_channelmatch__keeps_the_url_given(void)
{
    static const struct {
        const char *spec, *text, *url;
    } cases[] = {
        {"conda-forge", "conda-forge", ""},
        {"https://me:pw@conda.anaconda.org/t/tk/conda-forge/noarch", "conda-forge",
         "https://conda.anaconda.org/conda-forge"},
        {"https://host/ch/", "https://host/ch", "https://host/ch"},
        {"/srv/ch/linux-64", "file:///srv/ch", "file:///srv/ch"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_channelmatch m = {0};
        struct cenv_str subdir = CENV_STR("");
        check_case(cases[i].spec);
        CHECK_INT(
            cenv_channelmatch_parse(&m, &subdir, cenv_str(cases[i].spec), &arena, &err),
            0);
        CHECK(cenv_str_is(m.text, cases[i].text));
        CHECK(cenv_str_is(m.url, cases[i].url));
        cenv_arena_release(&arena);
    }
}

static void test_channelmatch__is_called(void)
{
    static const struct {
        const char *want, *name, *url;
        bool called;
    } cases[] = {
        {"forge", "forge", "https://h/x", true},
        {"forge", "https://h/forge", "https://h/forge", true},
        {"x/forge", "https://h/x/forge", "https://h/x/forge/", true},
        {"forge", "https://h/x/forge", "https://h/x/forge", false},
        {"forge", "file:///srv/x/forge", "file:///srv/x/forge", true},
        {"x/forge", "file:///srv/x/forge", "file:///srv/x/forge", false},
        {"h/forge", "https://h/forge", "https://h/forge", false},
        {"forge", "", "", false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].url);
        CHECK_INT(cenv_channelmatch_is_called(cenv_str(cases[i].want),
                                              cenv_str(cases[i].name),
                                              cenv_str(cases[i].url)),
                  cases[i].called);
    }
    check_case("");
    CHECK(cenv_str_is(cenv_channelmatch_place(CENV_STR("https://h/x//")), "h/x"));
    CHECK(cenv_str_is(cenv_channelmatch_place(CENV_STR("x")), "x"));
}

int main(void)
{
    RUN(test_channelmatch__keeps_the_url_given);
    RUN(test_channelmatch__is_called);
    RUN(test_channelmatch__tests);
    return check_report();
}
