/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec: parsing, canonical text, errors (docs/design/solve.md 6.2, S13-S20; CEP 29). */
#include "model/matchspec.h"

#include "base/alloc.h"
#include "check.h"
#include "model/matchspec_print.h"

static struct cenv_arena arena;

static bool parse(struct cenv_matchspec *spec, const char *text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    bool ok =
        CHECK_INT(cenv_matchspec_parse(spec, cenv_str(text), &arena, &err), CENV_OK);

    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    cenv_error_release(&err);
    return ok;
}

static const struct {
    const char *spec, *canonical;
} prints[] = {
    /* S15 and the rest of conda's test_canonical_string_forms */
    {"numpy", "numpy"},
    {"numpy=1.7", "numpy=1.7"},
    {"numpy 1.7*", "numpy=1.7"},
    {"numpy 1.7.*", "numpy=1.7"},
    {"numpy[version='1.7*']", "numpy=1.7"},
    {"numpy[version=1.7.*]", "numpy=1.7"},
    {"numpy==1.7", "numpy==1.7"},
    {"numpy===1.7", "numpy==1.7"},
    {"numpy[version='1.7']", "numpy==1.7"},
    {"numpy 1.7", "numpy==1.7"},
    {"numpy[version='1.7|1.8']", "numpy[version='1.7|1.8']"},
    {"numpy[version=\"1.7,1.8\"]", "numpy[version='1.7,1.8']"},
    {"numpy >1.7", "numpy[version='>1.7']"},
    {"numpy>=1.7", "numpy[version='>=1.7']"},
    {"numpy=1.7=py3*_2", "numpy==1.7[build=py3*_2]"},
    {"numpy=1.7.*=py3*_2", "numpy=1.7[build=py3*_2]"},
    {"numpy=1.10=py38_0", "numpy==1.10=py38_0"},
    {"numpy==1.10=py38_0", "numpy==1.10=py38_0"},
    {"numpy[version=1.10 build=py38_0]", "numpy==1.10=py38_0"},
    {"numpy!=1.10", "numpy!=1.10"},
    {"numpy !=1.10", "numpy!=1.10"},
    {"numpy!=1.10 py38_0", "numpy[version='!=1.10',build=py38_0]"},
    {"numpy !=1.10=py38_0", "numpy[version='!=1.10',build=py38_0]"},
    {"numpy >1.7,!=1.10 py38_0", "numpy[version='>1.7,!=1.10',build=py38_0]"},
    {"numpy!=1.10.*", "numpy!=1.10.*"},
    {"numpy!=1.10,!=1.11", "numpy[version='!=1.10,!=1.11']"},
    {"numpy=1.10.*,!=1.10.2", "numpy[version='=1.10.*,!=1.10.2']"},
    {"numpy ~=1.10.1", "numpy~=1.10.1"},
    {"numpy ~=1.10.1 py38_0", "numpy[version='~=1.10.1',build=py38_0]"},
    {"openssl=1.1.1_", "openssl=1.1.1_"},
    {"openssl>=1.1.1_,!=1.1.1c", "openssl[version='>=1.1.1_,!=1.1.1c']"},
    {"numpy[version=*,build_number=3]", "numpy[build_number=3]"},
    {"numpy[build_number='>=3']", "numpy[build_number='>=3']"},
    {"name[version=*,build=*py27*]", "name[build=*py27*]"},
    {"name[version=*]", "name"},
    {"conda-forge::name[version=*]", "conda-forge::name"},
    {"name[version=1.2.*,build=*py27*]", "name=1.2[build=*py27*]"},
    {"foo 1.0 py27_0", "foo==1.0=py27_0"},
    {"conda-forge::foo[version=1.0.*]", "conda-forge::foo=1.0"},
    {"mkl@", "*[track_features=mkl]"},
    {"*[track_features='mkl debug']", "*[track_features='debug mkl']"},
    {"python[extras=group1]", "python[extras=['group1']]"},
    {"python[extras=[a  , 'b' ,]]", "python[extras=['a', 'b']]"},
    {"python[extras=['c', \"b\", 'a']]", "python[extras=['a', 'b', 'c']]"},
    {"/linux-64::foo", "foo[subdir=linux-64]"},
    {"python[flags=[cpu,blas:*]]", "python[flags=['blas:*', 'cpu']]"},
    {"pkg[when=__unix]", "pkg[when=__unix]"},
    {"pkg[when='__win or __osx', extras=[b,a], flags=cpu]",
     "pkg[when='__win or __osx',extras=['a', 'b'],flags=['cpu']]"},
    {"pkg[when='(__unix and python[version='>=3.10'])']",
     "pkg[when=\"(__unix and python[version='>=3.10'])\"]"},
    {"pkg[when=python[version='>=2'], extras=[a]]",
     "pkg[when=\"python[version='>=2']\",extras=['a']]"},
    {"x[license='*GPL*']", "x[license=*gpl*]"},
    {"x[md5=ABCDEF]", "x[md5=abcdef]"},
    {"Foo", "foo"},
    {"foo 1.*.1", "foo[version='1.*.1']"},
    {"foo (1.5|1.6),!=1.6.2", "foo[version='(1.5|1.6),!=1.6.2']"},
    {"foo[build='a b']", "foo[build='a b']"},
    /* builds that version and build side by side would read otherwise */
    {"foo 1 h0[build=py#9]", "foo==1[build=py#9]"},
    {"foo 1[build='#']", "foo==1[build=#]"},
    {"foo 1[build='a\vb']", "foo==1[build=a\vb]"},
    {"foo 1[build='a\fb']", "foo==1[build=a\fb]"},
    {"foo 1[build='a b']", "foo==1[build='a b']"},
    {"foo 1[build='a,b']", "foo==1[build='a,b']"},
    {"foo 1[build='a=b']", "foo==1[build='a=b']"},
    {"foo 1[build='a[b]']", "foo==1[build='a[b]']"},
    {"foo 1[build=\"it's\"]", "foo==1[build=\"it's\"]"},
    {"foo 1[build='a@']", "foo==1[build=a@]"},
    {"foo[channel='a\vb']", "foo[channel=a\vb]"},
    /* channels; S15, S16, S20 */
    {"defaults::numpy", "defaults::numpy"},
    {"numpy[channel=defaults]", "defaults::numpy"},
    {"conda-forge::numpy", "conda-forge::numpy"},
    {"conda-forge:ns:numpy", "conda-forge::numpy"},
    {"ns:numpy", "numpy"},
    {"::numpy", "numpy"},
    {"https://conda.anaconda.org/conda-forge::numpy", "conda-forge::numpy"},
    {"https://conda.anaconda.org/t/tk-1/conda-forge::numpy", "conda-forge::numpy"},
    {"https://repo.anaconda.com/pkgs/free::numpy",
     "https://repo.anaconda.com/pkgs/free::numpy"},
    {"numpy[channel=https://repo.anaconda.com/pkgs/free]",
     "https://repo.anaconda.com/pkgs/free::numpy"},
    {"numpy[channel=defaults,subdir=osx-64]", "defaults/osx-64::numpy"},
    {"numpy[channel=https://repo.anaconda.com/pkgs/free/osx-64, subdir=linux-64]",
     "https://repo.anaconda.com/pkgs/free/linux-64::numpy"},
    {"https://repo.anaconda.com/pkgs/free/win-32::numpy",
     "https://repo.anaconda.com/pkgs/free/win-32::numpy"},
    {"defaults/win-32::numpy", "defaults/win-32::numpy"},
    {"numpy[channel=conda-forge,subdir=noarch]", "conda-forge/noarch::numpy"},
    {"defaults::numpy[channel=anaconda]", "anaconda::numpy"},
    {"numpy[subdir=win-32]", "numpy[subdir=win-32]"},
    {"*/win-32::numpy", "numpy[subdir=win-32]"},
    {"*/win-32::numpy[subdir=\"osx-64\"]", "numpy[subdir=osx-64]"},
    {"*/linux-64::foo>=1.0", "foo[subdir=linux-64,version='>=1.0']"},
    {"conda-forge/linux-64::foo>=1.0", "conda-forge/linux-64::foo[version='>=1.0']"},
    {"conda-*::foo", "foo[channel=conda-*]"},
    {"https://u:p@host:8080/t/tk-1/ch/linux-64::foo",
     "https://host:8080/ch/linux-64::foo"},
    {"file:///srv/ch::foo", "file:///srv/ch::foo"},
    {"/srv/ch/noarch::foo", "file:///srv/ch/noarch::foo"},
    {"https://conda.anaconda.org/conda-canary/linux-64/"
     "conda-4.3.21.post699+1dab973-py36h4a561cd_0.tar.bz2",
     "conda-canary/linux-64::conda==4.3.21.post699+1dab973=py36h4a561cd_0"},
    {"https://conda.anaconda.org/conda-canary/"
     "conda-4.3.21.post699+1dab973-py36h4a561cd_0.tar.bz2",
     "*[url=https://conda.anaconda.org/conda-canary/"
     "conda-4.3.21.post699+1dab973-py36h4a561cd_0.tar.bz2]"},
    {"https://conda.anaconda.org/conda-forge/linux-64/x264-1%21164.3095-h166bdaf_2.tar.bz2",
     "conda-forge/linux-64::x264==1!164.3095=h166bdaf_2"},
    {"https://conda.anaconda.org/conda-forge/linux-64/x264-1!164.3095-h166bdaf_2.tar.bz2",
     "conda-forge/linux-64::x264==1!164.3095=h166bdaf_2"},
    {"/some/file/on/disk/package-1.2.3-2.tar.bz2",
     "*[url=file:///some/file/on/disk/package-1.2.3-2.tar.bz2]"},
};

static void test_matchspec__print(void)
{
    struct cenv_buf out, again;

    cenv_buf_init(&out, 1000);
    cenv_buf_init(&again, 1000);
    for (size_t i = 0; i < CHECK_NR(prints); i++) {
        struct cenv_matchspec spec;

        check_case(prints[i].spec);
        cenv_buf_clear(&out);
        cenv_buf_clear(&again);
        if (!parse(&spec, prints[i].spec))
            continue;
        cenv_matchspec_print(&spec, &out);
        CHECK_STR(out.data, prints[i].canonical);
        if (parse(&spec, out.data))
            cenv_matchspec_print(&spec, &again);
        CHECK_STR(again.data, out.data);
    }
    cenv_buf_release(&out);
    cenv_buf_release(&again);
}

static const struct {
    const char *spec;
    size_t column;
    const char *because;
} errors[] = {
    /* S17 */
    {"blas [optional", 6, "never closed"},
    {"blas [test=]", 12, "a value is missing"},
    {"blas[invalid=\"1\"]", 6, "not known"},
    {"numpy==", 6, "an operator stands"},
    {"numpy>=", 6, "an operator stands"},
    {"numpy<=", 6, "an operator stands"},
    {"numpy= ", 6, "an operator stands"},
    {"numpy>", 6, "an operator stands"},
    {"", 1, "name is missing"},
    {"   ", 1, "name is missing"},
    {"=1.8", 1, "name is missing"},
    {"!xyz 1.3", 1, "name is missing"},
    {"'package'", 1, "only letters"},
    {"pack@ge", 1, "only letters"},
    {"p\xc3\xa4"
     "ck",
     1, "only letters"},
    {"pkg..name", 1, "two separators"},
    {"pkg--name", 1, "two separators"},
    {".pkg", 1, "begins with"},
    {"-pkg", 1, "begins with"},
    {"___x", 1, "no package name"},
    {"_", 1, "no package name"},
    {"ray[default,data] >=2.9", 5, "not known"},
    {"package[extra]", 9, "not known"},
    {"package[build=]", 15, "a value is missing"},
    {"package[build", 8, "never closed"},
    {"package[=1]", 9, "a key is missing"},
    {"package[build]", 9, "takes '='"},
    {"package[build=0,build=1]", 17, "twice"},
    {"package[build=0][version=2]", 15, "only one section"},
    {"package[build='0]", 15, "quote is never closed"},
    {"package[extras=[a]", 16, "never closed"},
    {"package[extras=[a,,b]]", 19, "item"},
    {"package[extras=[]]", 17, "value is empty"},
    {"foo>0=", 4, "only letters"},
    {"package[extras=]", 16, "a value is missing"},
    {"package[md5=[a]]", 14, "only extras and flags"},
    {"package[when='  ']", 15, "value is empty"},
    {"package[build_number=a]", 22, "build number"},
    {"package[build_number='>=']", 23, "build number"},
    {"package[build_number=99999999999999999999]", 22, "build number"},
    {"package[build_number=0 0,junk,]", 24, "not known"},
    {"package[build=0 +]", 17, "a key is missing"},
    {"package[build=0,version^2]", 24, "comma is missing"},
    {"package[subdir='^[$']", 20, "regular expression"},
    {"foo if python>=3.6", 5, "no 'if'"},
    {"foo >=1 if python", 9, "no 'if'"},
    {"foo[build=1] if python", 14, "no 'if'"},
    {"py[version=3.12]thon", 17, "behind the brackets"},
    {"foo[version=1.0]>=2", 17, "within the brackets"},
    {"foo[version=1.0,build=0]=2=1", 26, "within the brackets"},
    {"foo[build=0]=2=1", 16, "within the brackets"},
    {"https://h/c/noarch/a-1-0.conda#x", 32, "no MD5"},
    {"https://h/c/noarch/a-1-0.conda#md5:00", 32, "no MD5"},
    {"https://h/c/noarch/a-1-0.conda#sha256:00000000000000000000000000000000", 32,
     "no MD5"},
    {"package >=1[build=0],<2", 21, "round the brackets"},
    {"numpy >=1.8,", 13, "a version is missing"},
    {"numpy >=1.8,<2..0", 13, "component is empty"},
    {"numpy 1.8 1.9,<2", 11, "side by side"},
    {"  numpy 1.8|", 11, "a version is missing"},
    {"https://h/noarch/x-1-%16.conda", 18, "control character"},
    {"https://h/noarch/x-1-%1.conda", 18, "percent-encoding"},
    {"numpy[version='>=1,|2']", 20, "a version is missing"},
    {"foo\x01", 1, "control character"},
};

static void test_matchspec__errors(void)
{
    for (size_t i = 0; i < CHECK_NR(errors); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_matchspec spec = {.name = {NULL, 0}};
        char where[40];

        check_case(errors[i].spec);
        CHECK_INT(cenv_matchspec_parse(&spec, cenv_str(errors[i].spec), &arena, &err),
                  CENV_ESPEC);
        CHECK(!spec.name.data);
        snprintf(where, sizeof(where), "', column %zu: ", errors[i].column);
        if (!CHECK(strstr(err.message, errors[i].because)) ||
            !CHECK(strstr(err.message, where)))
            fprintf(stderr, "    %s\n", err.message);
        cenv_error_release(&err);
    }
}

static void test_matchspec__errors_hold_no_secrets(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec spec;

    CHECK_INT(cenv_matchspec_parse(
                  &spec, CENV_STR("https://user:pass@host/t/tk-123/ch::foo >="), &arena,
                  &err),
              CENV_ESPEC);
    CHECK(strstr(err.message, "foo >="));
    CHECK(!strstr(err.message, "pass") && !strstr(err.message, "tk-123"));
    cenv_error_release(&err);
}

static void test_matchspec__length_is_bounded(void)
{
    static char text[CENV_MATCHSPEC_MAX + 2];
    static const char *const pieces[] = {"[", "^",         "a=[", "(",  " ",
                                         "=", "x[build='", ",",   "1|", "',"};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec spec;

    memset(text, 'a', CENV_MATCHSPEC_MAX + 1);
    CHECK_INT(cenv_matchspec_parse(&spec, cenv_str(text), &arena, &err), CENV_ESPEC);
    CHECK(strstr(err.message, "too long"));
    cenv_error_release(&err);
    for (size_t i = 0; i < CHECK_NR(pieces); i++) {
        size_t len = strlen(pieces[i]);
        memcpy(text, "foo ", 4);
        for (size_t at = 4; at < CENV_MATCHSPEC_MAX; at++)
            text[at] = pieces[i][(at - 4) % len];
        text[CENV_MATCHSPEC_MAX] = '\0';
        cenv_matchspec_parse(&spec, cenv_str(text), &arena, &err);
        cenv_error_release(&err);
    }
}

static void test_matchspec__fields(void)
{
    struct cenv_matchspec spec;

    check_case("fields");
    if (!parse(
            &spec,
            "conda-forge/linux-64::Foo >=1.0 py_0[md5=AB, sha256=cd, license=MIT,"
            " build_number='<3', when='a and b', extras=[x], flags=[g:*],"
            " track_features='t,u', url=https://u:p@h/c/linux-64/f.conda](optional)"))
        return;
    const struct cenv_matchspec_more *more = spec.more;
    CHECK(cenv_str_is(spec.name, "foo") && !spec.name_is_glob);
    CHECK(cenv_str_is(spec.version.text, ">=1.0"));
    CHECK(cenv_str_is(spec.build.text, "py_0") &&
          spec.build.kind == CENV_STRMATCH_EXACT);
    CHECK(cenv_str_is(more->channel.text, "conda-forge"));
    CHECK(cenv_str_is(more->subdir.text, "linux-64"));
    CHECK(cenv_str_is(more->md5, "ab") && cenv_str_is(more->sha256, "cd"));
    CHECK(cenv_str_is(more->license.text, "mit"));
    CHECK(more->build_number.op == CENV_NUM_LT && more->build_number.value == 3);
    CHECK(cenv_str_is(more->when, "a and b"));
    CHECK(more->extras.nr == 1 && cenv_str_is(more->extras.items[0], "x"));
    CHECK(more->flags.nr == 1 && cenv_str_is(more->flags.items[0], "g:*"));
    CHECK(more->track_features.nr == 2 &&
          cenv_str_is(more->track_features.items[1], "u"));
    CHECK(cenv_str_is(more->url, "https://h/c/linux-64/f.conda"));
    CHECK(more->optional);
    if (parse(&spec, " numpy "))
        CHECK(!spec.more && cenv_str_is(spec.text, "numpy"));
    if (parse(&spec, "foo[optional]"))
        CHECK(spec.more && spec.more->optional);
    if (parse(&spec, "foo(target=blarg,optional)"))
        CHECK(spec.more && spec.more->optional);
}

static void test_matchspec__name(void)
{
    static const struct {
        const char *spec, *name;
    } cases[] = {
        {"numpy >=1.8", "numpy"},
        {"numpy", "numpy"},
        {" GDAL!=3.6", "GDAL"},
        {"numpy=1.8", "numpy"},
        {"python_abi 3.10.*", "python_abi"},
        {"conda-forge::x", ""},
        {"x[build=1]", ""},
        {"x(optional)", ""},
        {"*", ""},
        {"x-1-0.conda", ""},
        {"", ""},
        {"mkl@", ""},
        {"x#c", ""},
        {"x # c", "x"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].spec);
        CHECK(cenv_str_is(cenv_matchspec_name(cenv_str(cases[i].spec)), cases[i].name));
    }
}

static void test_matchspec__out_of_memory(void)
{
    struct cenv_str text =
        CENV_STR("https://h/c::FOO >= 1,<2 |1*[build='^b$',extras=[a],license=X,"
                 "track_features='a b',url=http://x]");
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec spec = {.name = {NULL, 0}};
    int failures = 0;

    for (long nth = 1; nth < 40; nth++) {
        struct cenv_arena own = CENV_ARENA_INIT;
        long before = cenv_alloc_live();
        cenv_alloc_fail_nth(nth);
        int rc = cenv_matchspec_parse(&spec, text, &own, &err);
        cenv_alloc_fail_nth(0);
        cenv_arena_release(&own);
        CHECK_INT(cenv_alloc_live(), before);
        if (rc == 0)
            break;
        failures++;
        CHECK_INT(rc, CENV_ENOMEM);
        CHECK(!spec.name.data);
        cenv_error_release(&err);
    }
    CHECK(failures > 2 && failures < 39);
}

int main(void)
{
    RUN(test_matchspec__print);
    RUN(test_matchspec__errors);
    RUN(test_matchspec__errors_hold_no_secrets);
    RUN(test_matchspec__length_is_bounded);
    RUN(test_matchspec__fields);
    RUN(test_matchspec__name);
    RUN(test_matchspec__out_of_memory);
    cenv_arena_release(&arena);
    return check_report();
}
