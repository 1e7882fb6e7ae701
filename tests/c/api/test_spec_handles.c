/* SPDX-License-Identifier: BSD-3-Clause */
/* Specs and versions of callers outside of the core: they own their memory, and match JSON. */
#include "cenv.h"
#include "check.h"

static void test_spec_handles__own_their_text(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec *spec = NULL;
    struct cenv_version *version = NULL;
    char spec_text[] = "Numpy >=1.20", version_text[] = "1.21";
    struct cenv_buf out;
    bool match = false;
    CHECK_INT(cenv_matchspec_new(&spec, cenv_str(spec_text), &err), 0);
    CHECK_INT(cenv_version_new(&version, cenv_str(version_text), &err), 0);
    memset(spec_text, 'x', sizeof(spec_text) - 1);
    memset(version_text, 'x', sizeof(version_text) - 1);
    cenv_buf_init(&out, 256);
    CHECK_INT(cenv_matchspec_str(spec, &out, &err), 0);
    CHECK_STR(out.data, "numpy[version='>=1.20']");
    CHECK(cenv_str_is(cenv_matchspec_package(spec), "numpy"));
    CHECK(cenv_str_is(cenv_version_text(version), "1.21"));
    CHECK_INT(cenv_version_matches(version, CENV_STR(">=1.20,<2"), &match, &err), 0);
    CHECK(match);
    cenv_buf_release(&out);
    cenv_matchspec_free(spec);
    cenv_version_free(version);
}

static void test_spec_handles__match_records_as_json(void)
{
    static const struct {
        const char *spec, *record;
        int rc;
        bool match;
    } cases[] = {
        {"a", "{\"name\":\"a\",\"version\":\"1\"}", 0, true},
        {"a >1", "{\"name\":\"a\",\"version\":\"1\"}", 0, false},
        {"chan::a", "{\"name\":\"a\",\"version\":\"1\",\"channel\":\"chan\"}", 0, true},
        {"chan::a", "{\"name\":\"a\",\"version\":\"1\",\"channel\":\"other\"}", 0,
         false},
        {"https://host/chan::a",
         "{\"name\":\"a\",\"version\":\"1\",\"channel\":\"https://host/chan\"}", 0,
         true},
        {"a[subdir=noarch]",
         "{\"name\":\"a\",\"version\":\"1\",\"url\":\"https://host/chan/noarch/"
         "a-1-0.conda\"}",
         0, true},
        {"a", "{\"name\":\"a\"}", CENV_EUSAGE, false},
        {"a", "7", CENV_EUSAGE, false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_matchspec *spec = NULL;
        bool match = false;
        check_case(cases[i].record);
        CHECK_INT(cenv_matchspec_new(&spec, cenv_str(cases[i].spec), &err), 0);
        CHECK_INT(cenv_matchspec_matches(spec, cenv_str(cases[i].record), &match, &err),
                  cases[i].rc);
        CHECK_INT(match, cases[i].match);
        cenv_matchspec_free(spec);
        cenv_error_release(&err);
    }
}

static void test_spec_handles__refuse_what_does_not_parse(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec *spec = NULL;
    struct cenv_version *version = NULL;
    CHECK_INT(cenv_matchspec_new(&spec, CENV_STR("a >="), &err), CENV_ESPEC);
    CHECK(!spec && strstr(err.message, "a >="));
    cenv_error_release(&err);
    CHECK_INT(cenv_matchspec_new(&spec, CENV_STR("a[when='b and']"), &err), CENV_ESPEC);
    CHECK(!spec && strstr(err.message, "lacks a spec"));
    cenv_error_release(&err);
    CHECK_INT(cenv_matchspec_new(&spec, CENV_STR("a[when='b[x=1]']"), &err),
              CENV_ESPEC);
    CHECK(!spec && strstr(err.message, "not known"));
    cenv_error_release(&err);
    CHECK_INT(cenv_version_new(&version, CENV_STR("1!2!3"), &err), CENV_ESPEC);
    CHECK(!version && strstr(err.message, "1!2!3"));
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_spec_handles__own_their_text);
    RUN(test_spec_handles__match_records_as_json);
    RUN(test_spec_handles__refuse_what_does_not_parse);
    return check_report();
}
