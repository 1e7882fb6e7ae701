/* SPDX-License-Identifier: BSD-3-Clause */
/* What names of channels mean under a configuration, by the rule of conda's ChannelMatch. */
#include "model/channelnames.h"

#include "base/alloc.h"
#include "check.h"

static const char config[] =
    "{\"alias\":\"https://corp.example/conda\",\"places\":{\"internal\":"
    "\"https://corp.example/x/internal\",\"internal/deep\":\"https://deep.example/d\","
    "\"here\":\"file:///srv/here\"},\"groups\":{\"defaults\":[\"pkgs/main\",\"pkgs/r\"]}}";

static void test_channelnames__tests(void)
{
    static const struct {
        const char *spec, *name, *url;
        bool matches;
    } cases[] = {
        {"*", "x", "https://h/x", true},
        {"for*e", "forge", "https://h/forge", true},
        {"for*e", "bio", "https://h/bio", false},
        /* a name that has no place: on any host, by its whole path there */
        {"forge", "forge", "https://corp.example/conda/forge", true},
        {"forge", "https://mirror/forge", "https://mirror/forge", true},
        {"forge", "https://mirror/x/forge", "https://mirror/x/forge", false},
        {"x/forge", "https://mirror/x/forge", "https://mirror/x/forge", true},
        {"forge", "https://mirror/forge-2", "https://mirror/forge-2", false},
        {"forge", "file:///srv/forge", "file:///srv/forge", true},
        {"mirror/forge", "https://mirror/forge", "https://mirror/forge", false},
        /* a URL below the alias is its name */
        {"https://corp.example/conda/forge", "forge",
         "https://corp.example/conda/forge", true},
        {"https://corp.example/conda/forge", "https://mirror/forge",
         "https://mirror/forge", true},
        {"https://corp.example/conda", "https://mirror/conda", "https://mirror/conda",
         false},
        {"https://corp.example/condax/forge", "https://mirror/forge",
         "https://mirror/forge", false},
        /* any other URL is that place */
        {"https://conda.anaconda.org/forge", "forge",
         "https://corp.example/conda/forge", false},
        {"https://conda.anaconda.org/forge", "https://conda.anaconda.org/forge",
         "https://conda.anaconda.org/forge", true},
        {"http://conda.anaconda.org/forge/linux-64", "x",
         "https://conda.anaconda.org/forge", true},
        {"https://mirror/forge", "https://other/forge", "https://other/forge", false},
        {"https://mirror/forge", "forge", "https://corp.example/conda/forge", false},
        {"/srv/forge", "file:///srv/forge", "file:///srv/forge", true},
        {"/srv/forge", "file:///other/forge", "file:///other/forge", false},
        /* a name that has a place: only there */
        {"internal", "internal", "https://corp.example/x/internal", true},
        {"internal", "https://evil.example/internal", "https://evil.example/internal",
         false},
        {"internal", "internal", "https://evil.example/internal", false},
        {"internal", "file:///srv/internal", "file:///srv/internal", false},
        {"internal/dev", "internal/dev", "https://corp.example/x/internal/dev", true},
        {"internal/dev", "x", "https://evil.example/internal/dev", false},
        {"internal/deep/a", "x", "https://deep.example/d/a", true},
        {"internal/deep/a", "x", "https://corp.example/x/internal/deep/a", false},
        {"internal-2", "x", "https://h/internal-2", true},
        {"here", "here", "file:///srv/here", true},
        {"here", "x", "file:///other/here", false},
        /* a multichannel: what is called as its members */
        {"defaults", "pkgs/main", "https://repo.anaconda.com/pkgs/main", true},
        {"defaults", "https://mirror/pkgs/r", "https://mirror/pkgs/r", true},
        {"defaults", "https://mirror/pkgs/free", "https://mirror/pkgs/free", false},
        {"defaults", "https://mirror/defaults", "https://mirror/defaults", true},
        {"pkgs/main", "https://mirror/pkgs/r", "https://mirror/pkgs/r", false},
    };
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_channelnames names;

    CHECK_INT(cenv_channelnames_parse(&names, cenv_str(config), &arena, &err), 0);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_channelmatch m = {0};
        struct cenv_str subdir = CENV_STR("");
        char what[256];
        snprintf(what, sizeof(what), "%s, %s", cases[i].spec, cases[i].url);
        check_case(what);
        CHECK_INT(
            cenv_channelmatch_parse(&m, &subdir, cenv_str(cases[i].spec), &arena, &err),
            0);
        CHECK_INT(cenv_channelnames_test(&names, &m, cenv_str(cases[i].name),
                                         cenv_str(cases[i].url)),
                  cases[i].matches);
    }
    cenv_arena_release(&arena);
}

static void test_channelnames__refuses(void)
{
    static const struct {
        const char *json;
        int rc;
    } cases[] = {
        {"", CENV_EINTEGRITY},
        {"[]", CENV_EUSAGE},
        {"{\"places\":{\"a\":1}}", CENV_EUSAGE},
        {"{\"groups\":{\"a\":\"b\"}}", CENV_EUSAGE},
        {"{\"groups\":{\"a\":[1]}}", CENV_EUSAGE},
        {"{}", 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_channelnames names;
        check_case(cases[i].json);
        CHECK_INT(
            cenv_channelnames_parse(&names, cenv_str(cases[i].json), &arena, &err),
            cases[i].rc);
        cenv_arena_release(&arena);
        cenv_error_release(&err);
    }
}

#ifdef CENV_FAULTS
static void test_channelnames__out_of_memory(void)
{
    long before = cenv_alloc_live();
    int rc = CENV_ENOMEM;

    for (long n = 1; rc != 0; n++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_channelnames names;
        cenv_alloc_fail_nth(n);
        rc = cenv_channelnames_parse(&names, cenv_str(config), &arena, &err);
        cenv_alloc_fail_nth(0);
        if (rc != 0 && !CHECK_INT(rc, CENV_ENOMEM))
            rc = 0;
        cenv_arena_release(&arena);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live(), before);
    }
}
#endif

int main(void)
{
    RUN(test_channelnames__tests);
    RUN(test_channelnames__refuses);
#ifdef CENV_FAULTS
    RUN(test_channelnames__out_of_memory);
#endif
    return check_report();
}
