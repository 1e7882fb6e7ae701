/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec: which records match (docs/design/solve.md 6.2, S13-S20; CEP 29). */
#include "model/matchspec_match.h"

#include <stdlib.h>

#include "check.h"
#include "model/dist.h"
#include "model/matchspec.h"
#include "model/matchspec_print.h"
#include "model/record.h"

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

/* A record of "name-version-build", the build number behind the last '_' of the build. */
static void make_record(struct cenv_record *record, struct cenv_version *version,
                        const char *dist)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_dist parts = {.name = {NULL, 0}};

    CHECK(cenv_dist_split(&parts, cenv_str(dist)));
    *record = (struct cenv_record){
        .name = parts.name,
        .version = parts.version,
        .build = parts.build,
        .fn = cenv_str(dist),
        .subdir = CENV_STR("linux-64"),
        .channel = CENV_STR("conda-forge"),
        .channel_url = CENV_STR("https://conda.anaconda.org/conda-forge"),
    };
    size_t at = cenv_str_rfind(parts.build, '_');
    struct cenv_str number = at < parts.build.len
                                 ? cenv_str_slice(parts.build, at + 1, parts.build.len)
                                 : parts.build;
    record->build_number = strtoull(number.data, NULL, 10);
    if (CHECK_INT(cenv_version_parse(version, parts.version, &arena, &err), CENV_OK))
        record->parsed = version;
    cenv_error_release(&err);
}

static bool matches(const char *text, const char *dist)
{
    static char label[300];
    struct cenv_matchspec spec;
    struct cenv_version version;
    struct cenv_record record;

    snprintf(label, sizeof(label), "%s / %s", text, dist);
    check_case(label);
    make_record(&record, &version, dist);
    return parse(&spec, text) && cenv_matchspec_match(&spec, &record);
}

static const struct {
    const char *spec, *dist;
    bool match;
} matching[] = {
    /* S13 */
    {"numpy 1.7*", "numpy-1.7.1-py27_0", true},
    {"numpy 1.7.1", "numpy-1.7.1-py27_0", true},
    {"numpy 1.7", "numpy-1.7.1-py27_0", false},
    {"numpy 1.5*", "numpy-1.7.1-py27_0", false},
    {"numpy >=1.5", "numpy-1.7.1-py27_0", true},
    {"numpy >=1.5,<2", "numpy-1.7.1-py27_0", true},
    {"numpy >=1.8,<1.9", "numpy-1.7.1-py27_0", false},
    {"numpy >1.5,<2,!=1.7.1", "numpy-1.7.1-py27_0", false},
    {"numpy >1.8,<2|==1.7", "numpy-1.7.1-py27_0", false},
    {"numpy >1.8,<2|>=1.7.1", "numpy-1.7.1-py27_0", true},
    {"numpy >=1.8|1.7*", "numpy-1.7.1-py27_0", true},
    {"numpy ==1.7", "numpy-1.7.1-py27_0", false},
    {"numpy >=1.5,>1.6", "numpy-1.7.1-py27_0", true},
    {"numpy ==1.7.1", "numpy-1.7.1-py27_0", true},
    {"numpy ==1.7.1.0", "numpy-1.7.1-py27_0", true},
    {"numpy==1.7.1.0.0", "numpy-1.7.1-py27_0", true},
    {"numpy >=1,*.7.*", "numpy-1.7.1-py27_0", true},
    {"numpy *.7.*,>=1", "numpy-1.7.1-py27_0", true},
    {"numpy >=1,*.8.*", "numpy-1.7.1-py27_0", false},
    {"numpy >=2,*.7.*", "numpy-1.7.1-py27_0", false},
    {"numpy 1.6*|1.7*", "numpy-1.7.1-py27_0", true},
    {"numpy 1.6*|1.8*", "numpy-1.7.1-py27_0", false},
    {"numpy 1.6.2|1.7.1", "numpy-1.7.1-py27_0", true},
    {"numpy 1.6.2|1.7.0", "numpy-1.7.1-py27_0", false},
    {"numpy 1.7.1 py27_0", "numpy-1.7.1-py27_0", true},
    {"numpy 1.7.1 py26_0", "numpy-1.7.1-py27_0", false},
    {"numpy >1.7.1a", "numpy-1.7.1-py27_0", true},
    {"python", "numpy-1.7.1-py27_0", false},
    {"NumPy", "numpy-1.7.1-py27_0", true},
    {"num*", "numpy-1.7.1-py27_0", true},
    {"*", "numpy-1.7.1-py27_0", true},
    {"* 1.7.1", "numpy-1.7.1-py27_0", true},
    {"*>1.8,<2|==1.7.1", "numpy-1.7.1-py27_0", true},
    /* S14 */
    {"numpy >=1.0.1", "numpy-1.0.1a-0", false},
    {"numpy >=1.0.1.vc11", "numpy-1.0.1a.vc11-0", false},
    {"numpy >=1.0.1*.vc11", "numpy-1.0.1a.vc11-0", true},
    {"numpy <1.0.1", "numpy-1.0.1.vc11-0", true},
    {"numpy <1.0.1", "numpy-1.0.1a.vc11-0", true},
    {"numpy >=1.0.1.vc11", "numpy-1.0.1a-0", false},
    {"numpy >=1.0.1a", "numpy-1.0.1z-0", true},
    {"numpy >=1.0.1a py27*", "numpy-1.0.1z-py27_1", true},
    {"blas * openblas_0", "blas-1.0-openblas_0", true},
    {"blas * openblas_0", "blas-1.0-mkl_0", false},
    {"openssl>=1.0.1_", "openssl-1.0.1_-4", true},
    {"openssl>=1.0.1", "openssl-1.0.1_-4", false},
    /* an operator in brackets needs no '=' */
    {"numpy[version<2]", "numpy-1.7.1-py27_0", true},
    {"numpy[version <2]", "numpy-2.0-py27_0", false},
    {"numpy[version>=1.8,build=py27_0]", "numpy-1.7.1-py27_0", false},
    {"numpy[version!=1.7.1]", "numpy-1.7.1-py27_0", false},
    {"numpy[version~=1.7]", "numpy-1.8-py27_0", true},
    {"numpy[build_number>=3]", "numpy-1.7.1-py27_4", true},
    {"numpy[build_number<3]", "numpy-1.7.1-py27_4", false},
    /* behind the brackets */
    {"numpy[build=py27_0] >=1.7", "numpy-1.7.1-py27_0", true},
    {"numpy[build=py27_0]>=1.8", "numpy-1.7.1-py27_0", false},
    /* builds */
    {"x=*=*py38*", "x-1-h1_py38_0", true},
    {"x=*=*py38*", "x-1-h1_py39_0", false},
    {"x * PY*", "x-1-py38_0", false},
    {"x 1 ^py.$", "x-1-py3", true},
    {"x 1 ^py.$", "x-1-py3_0", false},
    {"x[build='^py3[0-9]_0$']", "x-1-py38_0", true},
    {"x[build='^py3[0-9]$']", "x-1-py38_0", false},
    {"x 1.0.* *_cp310", "x-1.0.3-h1_cp310", true},
    {"x >=3.10,<3.11.0a0 *_cpython", "x-3.10.2-1_cpython", true},
    {"x ~=1.2.3 py_0", "x-1.2.9-py_0", true},
    /* keys */
    {"x[version='<2']", "x-1.11.0-py34_7", true},
    {"x[version=<2]", "x-1.11.0-py34_7", true},
    {"x 3[version='<2',build='py34*']", "x-1.11.0-py34_7", true},
    {"x[build_number=7]", "x-1.11.0-py34_7", true},
    {"x[build_number='7']", "x-1.11.0-py34_7", true},
    {"x[build_number='<8']", "x-1.11.0-py34_7", true},
    {"x[build_number='>7']", "x-1.11.0-py34_7", false},
    {"x[build_number='>=7']", "x-1.11.0-py34_7", true},
    {"x[build_number='!=7']", "x-1.11.0-py34_7", false},
    {"x[build_number='==7']", "x-1.11.0-py34_7", true},
    {"x[build_number=*]", "x-1.11.0-py34_7", true},
    {"x[name=y]", "x-1-0", true}, /* CEP 29: outside wins */
    {"x[name=y]", "y-1-0", false},
    {"x[subdir=linux-64]", "x-1-0", true},
    {"x[subdir=osx-64]", "x-1-0", false},
    {"x[subdir='linux-*']", "x-1-0", true},
    {"x[fn=x-1-0.conda]", "x-1-0.conda", true},
    {"x[fn=x-1-0.tar.bz2]", "x-1-0.conda", false},
    {"x[when='__win', extras=[a, b]]", "x-1-0", true}, /* no effect here */
    {"x(optional)", "x-1-0", true},
    /* mamba's and our own data: docs/design/solve.md 2.2, S19 */
    {"openblas 0.2.18|0.2.18.*.", "openblas-0.2.18-0", true},
    {"openblas 0.2.18|0.2.18.*.", "openblas-0.2.19-0", false},
    {"kytea >=0.1.4, 0.2.0", "kytea-0.2.0-0", true},
    {"kytea >=0.1.4, 0.2.0", "kytea-0.1.4-0", false},
    {"GDAL!=3.6.*,!=3.7.*", "gdal-3.8.0-0", true},
    {"GDAL!=3.6.*,!=3.7.*", "gdal-3.7.3-0", false},
    {"foo  # comment [", "foo-1-0", true},
    {"importlib-metadata  # drop this after python 3.7", "importlib-metadata-1-0",
     true},
    {"mingw-w64-git v12.0.0.r2.ggc561118da h707e725_0",
     "mingw-w64-git-v12.0.0.r2.ggc561118da-h707e725_0", true},
    {"foo 1.0   ", "foo-1.0-0", true},
    {"  foo 1.0", "foo-1.0-0", true},
    {"proj4 ==999999999999", "proj4-6-0", false},
    {"openmp_impl 9999", "openmp_impl-9999-0", true},
    {"foo >2.10*", "foo-2.11-0", true},
    {"x264 >=1 !164.3095,<1!165", "x264-1!164.3095-0", true},
    {"foo >= 1.8 , < 2.0 py34_0", "foo-1.9-py34_0", true},
    {"foo >=1.0 , < 2.0 =py34_0", "foo-1.9-py34_0", true},
    {"foo (>=1,<2)|>3", "foo-4-0", true},
    {"foo >=3,(<4 |<5 )", "foo-4-0", true},
    {"foo=", "foo-4-0", true},
    {"python ==2.7.*|>=3.4", "python-2.7.18-0", true},
    {"numpy ^1\\.[5-8]\\.1$", "numpy-1.7.1-0", true},
    {"numpy ^1\\.(?:[5-6])\\.1$", "numpy-1.7.1-0", false},
    {"__glibc >=2.17,<3.0.a0", "__glibc-2.36-0", true},
    {"foo[build=0] >=2", "foo-2-0", true},
};

static void test_matchspec_match__versions_and_builds(void)
{
    for (size_t i = 0; i < CHECK_NR(matching); i++)
        CHECK_INT(matches(matching[i].spec, matching[i].dist), matching[i].match);
}

static void test_matchspec_match__classes_of_cep_29(void)
{
    static const char *const fuzzy[] = {
        "pkg=1.8",
        "pkg =1.8",
        "pkg 1.8.*",
        "pkg 1.8.* *",
        "pkg=1.8.*",
        "pkg=1.8.*=*",
        "pkg =1.8.* *",
        "pkg ==1.8.* *",
        "pkg[version=1.8.*]",
        "pkg[version=\"1.8.*\"]",
        "pkg =1.8 *",
        "pkg 1.8*",
        "pkg[version='=1.8']",
    };
    static const char *const exact[] = {
        "pkg 1.8",    "pkg 1.8 *",   "pkg==1.8",         "pkg=1.8=*",
        "pkg==1.8=*", "pkg ==1.8 *", "pkg[version=1.8]", "pkg[version=\"1.8\"]",
        "pkg ==1.8",  "pkg == 1.8",
    };
    struct cenv_matchspec spec;
    struct cenv_buf out;

    cenv_buf_init(&out, 200);
    for (size_t i = 0; i < CHECK_NR(fuzzy) + CHECK_NR(exact); i++) {
        bool is_fuzzy = i < CHECK_NR(fuzzy);
        const char *text = is_fuzzy ? fuzzy[i] : exact[i - CHECK_NR(fuzzy)];
        CHECK(matches(text, "pkg-1.8-0"));
        CHECK_INT(matches(text, "pkg-1.8.3-h0_1"), is_fuzzy);
        CHECK(!matches(text, "pkg-1.80-0"));
        cenv_buf_clear(&out);
        if (parse(&spec, text))
            cenv_matchspec_print(&spec, &out);
        CHECK_STR(out.data, is_fuzzy ? "pkg=1.8" : "pkg==1.8");
    }
    cenv_buf_release(&out);
    CHECK(matches("pkg =1.8 b", "pkg-1.8.3-b")); /* fuzzy with a build */
    CHECK(!matches("pkg=1.8=b", "pkg-1.8.3-b"));
    CHECK(!matches("pkg =1.8=b", "pkg-1.8.3-b")); /* as conda, and in its channels */
    CHECK(!matches("pkg ==1.8 b", "pkg-1.8.3-b"));
    CHECK(!matches("pkg 1.8 b", "pkg-1.8.3-b"));
}

/* ---- fields of records ---- */

static bool matches_record(const char *text, const struct cenv_record *record)
{
    struct cenv_matchspec spec;

    check_case(text);
    return parse(&spec, text) && cenv_matchspec_match(&spec, record);
}

static void test_matchspec_match__checksums_and_licenses(void)
{
    struct cenv_version version;
    struct cenv_record r;

    make_record(&r, &version, "numpy-1.11.0-py34_7");
    r.md5 = CENV_STR("253b922ecdb5a30884875948b8904983");
    r.sha256 =
        CENV_STR("f453db4ffe2271ec492a2913af4e61d4a6c118201f07de757df0eff769b65d2e");
    r.license = CENV_STR("LGPLv3+");
    r.license_family = CENV_STR("LGPL");
    CHECK(matches_record("*[md5=253B922ecdb5a30884875948b8904983]", &r));
    CHECK(!matches_record("*[md5=153b922ecdb5a30884875948b8904983]", &r));
    CHECK(matches_record(
        "numpy[sha256=f453db4ffe2271ec492a2913af4e61d4a6c118201f07de757df0eff769b"
        "65d2e]",
        &r));
    CHECK(!matches_record("numpy[sha256=f4]", &r));
    CHECK(!matches_record("scipy[md5=253b922ecdb5a30884875948b8904983]", &r));
    CHECK(matches_record("*[license_family='LGPL']", &r));
    CHECK(matches_record("*[license_family='lgpl']", &r));
    CHECK(matches_record("*[license_family='*GP*']", &r));
    CHECK(matches_record("*[license_family='*gpl*']", &r));
    CHECK(matches_record("*[license='*gpl*']", &r));
    CHECK(matches_record("*[license='*v3+']", &r));
    CHECK(matches_record("*[license='^lgpl.*$']", &r));
    CHECK(!matches_record("*[license='gpl*']", &r));
}

static void test_matchspec_match__features(void)
{
    struct cenv_str words[] = {CENV_STR("test"), CENV_STR("me")};
    struct cenv_str flags[] = {CENV_STR("cpu"), CENV_STR("gpu:cuda")};
    struct cenv_version version;
    struct cenv_record r;

    make_record(&r, &version, "foo-1.2.3-4");
    CHECK(!matches_record("test@", &r));
    CHECK(matches_record("*[track_features='']", &r));
    CHECK(!matches_record("*[features=test]", &r));
    CHECK(!matches_record("foo[flags=cpu]", &r));
    r.track_features = words;
    r.nr_track_features = 1;
    CHECK(matches_record("test@", &r));
    CHECK(matches_record("*[track_features='test']", &r));
    CHECK(!matches_record("*[track_features='test,me']", &r));
    r.nr_track_features = 2;
    CHECK(!matches_record("test@", &r)); /* conda: exactly these */
    CHECK(matches_record("*[track_features='me,test']", &r));
    r.features = CENV_STR("mkl, debug");
    CHECK(matches_record("foo[features='debug mkl']", &r));
    CHECK(!matches_record("foo[features='mkl']", &r));
    r.flags = flags;
    r.nr_flags = 2;
    CHECK(matches_record("foo[flags=cpu]", &r));
    CHECK(matches_record("foo[flags=[cpu, gpu:cuda]]", &r));
    CHECK(matches_record("foo[flags=gpu:*]", &r));
    CHECK(!matches_record("foo[flags=[cpu, gpu:cuda12]]", &r));
}

static void test_matchspec_match__channels(void)
{
    static const struct {
        const char *spec, *name, *url;
        bool match;
    } cases[] = {
#define MAIN  "https://repo.anaconda.com/pkgs/main"
#define FORGE "https://conda.anaconda.org/conda-forge"
        /* S20 and conda's test_channel_matching */
        {"defaults::x", MAIN, MAIN, true},
        {"defaults::x", "pkgs/main", MAIN, true},
        {"defaults::x", "conda-forge", FORGE, false},
        {"pkgs/main::x", MAIN, MAIN, true},
        {"pkgs/main::x", "https://repo.anaconda.com/pkgs/r",
         "https://repo.anaconda.com/pkgs/r", false},
        {MAIN "::x", "defaults", "", false},
        {MAIN "::x", MAIN, MAIN, true},
        {MAIN "::x", MAIN, "http://repo.anaconda.com/pkgs/main/", true},
        {MAIN "::x", "conda-forge", FORGE, false},
        {FORGE "::x", "conda-forge", FORGE, true},
        {"conda-forge::x", "conda-forge", FORGE, true},
        {"conda-forge::x", "https://mirror/conda-forge", "https://mirror/conda-forge",
         true},
        {"conda-forge::x", "bioconda", "https://conda.anaconda.org/bioconda", false},
        {"conda-forge/label/rc::x", "conda-forge/label/rc", FORGE "/label/rc", true},
        {"conda-forge::x", "conda-forge/label/rc", FORGE "/label/rc", false},
        {"distr::x", "file:///a/distr", "file:///a/distr", true},
        {"file:///a/distr::x", "file:///a/distr", "file:///a/distr", true},
        {"/a/distr::x", "file:///a/distr", "file:///a/distr", true},
        {"file:///a/distr::x", "file:///b/distr", "file:///b/distr", false},
        {"https://a.com/python/conda::x", "", "https://b.com/python/conda", false},
        {"conda-*::x", "conda-forge", FORGE, true},
        {"conda-*::x", "bioconda", "https://conda.anaconda.org/bioconda", false},
        {"*::x", "conda-forge", FORGE, true},
        {"x[channel='^conda-.*$']", "conda-forge", FORGE, true},
        {"conda-forge/linux-64::x", "conda-forge", FORGE, true},
        {"conda-forge/noarch::x", "conda-forge", FORGE, false},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_version version;
        struct cenv_record r;

        make_record(&r, &version, "x-1-0");
        r.channel = cenv_str(cases[i].name);
        r.channel_url = cenv_str(cases[i].url);
        CHECK_INT(matches_record(cases[i].spec, &r), cases[i].match);
    }
}

#define X264   FORGE "/linux-64/x264-1%21164.3095-h166bdaf_2.tar.bz2"
#define SHA256 "f453db4ffe2271ec492a2913af4e61d4a6c118201f07de757df0eff769b65d2e"

static void test_matchspec_match__packages_by_url(void)
{
    struct cenv_version version;
    struct cenv_record r;

    make_record(&r, &version, "x264-1!164.3095-h166bdaf_2.tar.bz2");
    r.url = CENV_STR(FORGE "/linux-64/x264-1%21164.3095-h166bdaf_2.tar.bz2");
    CHECK(matches_record(FORGE "/linux-64/x264-1!164.3095-h166bdaf_2.tar.bz2", &r));
    CHECK(matches_record(FORGE "/linux-64/x264-1%21164.3095-h166bdaf_2.tar.bz2", &r));
    r.md5 = CENV_STR("253b922ecdb5a30884875948b8904983");
    r.sha256 = CENV_STR(SHA256);
    CHECK(matches_record(X264 "#253B922ecdb5a30884875948b8904983", &r));
    CHECK(matches_record(X264 "#md5:253b922ecdb5a30884875948b8904983 # as listed", &r));
    CHECK(!matches_record(X264 "#ffffffffffffffffffffffffffffffff", &r));
    CHECK(matches_record(X264 "#sha256:" SHA256, &r));
    CHECK(matches_record(X264 "#" SHA256, &r));
    CHECK(!matches_record(
        X264 "#1111111111111111111111111111111111111111111111111111111111111111", &r));
    CHECK(
        matches_record(X264 " #ffffffffffffffffffffffffffffffff", &r)); /* a comment */
    CHECK(!matches_record(FORGE "/linux-64/x264-1!164.3095-h166bdaf_2.conda", &r));
    CHECK(!matches_record(FORGE "/noarch/x264-1!164.3095-h166bdaf_2.tar.bz2", &r));
    CHECK(matches_record("*[url=" FORGE "/linux-64/x264-1!164.3095-h166bdaf_2.tar.bz2]",
                         &r));
    CHECK(!matches_record(
        "*[url=" FORGE "/linux-64/x264-1!164.3095-h166bdaf_3.tar.bz2]", &r));
    r.url = CENV_STR("file:///d/x264-1!164.3095-h166bdaf_2.tar.bz2");
    CHECK(matches_record("/d/x264-1!164.3095-h166bdaf_2.tar.bz2", &r));
    CHECK(!matches_record("/e/x264-1!164.3095-h166bdaf_2.tar.bz2", &r));
}

static void test_matchspec_match__records_without_a_version(void)
{
    struct cenv_version version;
    struct cenv_record r;

    make_record(&r, &version, "x-1-0");
    r.parsed = NULL;
    CHECK(matches_record("x", &r));
    CHECK(matches_record("x * 0", &r));
    CHECK(!matches_record("x 1", &r));
    CHECK(!matches_record("x !=2", &r));
}

static void test_matchspec_match__name_version_build(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_version version;
    struct cenv_matchspec spec;

    CHECK_INT(cenv_version_parse(&version, CENV_STR("2.36"), &arena, &err), CENV_OK);
    if (parse(&spec, "__glibc >=2.17"))
        CHECK(cenv_matchspec_match_nvb(&spec, CENV_STR("__glibc"), &version,
                                       CENV_STR("0")));
    if (parse(&spec, "__glibc >=2.17 1"))
        CHECK(!cenv_matchspec_match_nvb(&spec, CENV_STR("__glibc"), &version,
                                        CENV_STR("0")));
    if (parse(&spec, "conda-forge::__glibc"))
        CHECK(!cenv_matchspec_match_nvb(&spec, CENV_STR("__glibc"), &version,
                                        CENV_STR("0")));
}

int main(void)
{
    RUN(test_matchspec_match__versions_and_builds);
    RUN(test_matchspec_match__classes_of_cep_29);
    RUN(test_matchspec_match__checksums_and_licenses);
    RUN(test_matchspec_match__features);
    RUN(test_matchspec_match__channels);
    RUN(test_matchspec_match__packages_by_url);
    RUN(test_matchspec_match__records_without_a_version);
    RUN(test_matchspec_match__name_version_build);
    cenv_arena_release(&arena);
    return check_report();
}
