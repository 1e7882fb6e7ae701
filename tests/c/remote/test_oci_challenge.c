/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/oci_challenge: what registries answer, and whom a login may be told. */
#include "remote/oci_challenge.h"

#include "check.h"

static void check_span(struct cenv_str got, const char *want)
{
    CHECK_INT(got.len, strlen(want));
    CHECK_MEM(got.data ? got.data : "", want, strlen(want));
}

static void test_oci_challenge__is_read(void)
{
    static const struct {
        const char *text, *realm, *service, *scope;
    } cases[] = {
        {"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
         "scope=\"repository:a/b:pull,push\"",
         "https://auth.docker.io/token", "registry.docker.io",
         "repository:a/b:pull,push"},
        {"Basic realm=\"x\", Bearer realm=\"https://h\"", "https://h", "", ""},
        {"bearer  service=s , realm=https://h", "https://h", "s", ""},
        {"Bearer realm=\"https://h\", Basic realm=\"x\"", "https://h", "", ""},
        {"Bearer error=\"e\",realm=\"https://h", "https://h", "", ""},
    };
    struct cenv_oci_challenge challenge;

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].text);
        CHECK(cenv_oci_challenge_read(cenv_str(cases[i].text), &challenge));
        check_span(challenge.realm, cases[i].realm);
        check_span(challenge.service, cases[i].service);
        check_span(challenge.scope, cases[i].scope);
    }
}

static void test_oci_challenge__others_are_none(void)
{
    static const char *const texts[] = {
        "",          "Basic realm=\"Bearer\"", "Bearer",
        "Bearer ",   "Bearer realm",           "Bearer realm=",
        "Negotiate", "Bearer service=\"s\"",   "Bearer =,=,realm=\"https://h\"",
    };
    struct cenv_oci_challenge challenge;

    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        check_case(texts[i]);
        CHECK(!cenv_oci_challenge_read(cenv_str(texts[i]), &challenge));
    }
}

static void test_oci_challenge__logins_stay_in_their_domain(void)
{
    static const struct {
        const char *registry, *service;
        bool own, related;
    } cases[] = {
        {"https://ghcr.io/v2", "https://ghcr.io/token", true, false},
        {"https://h:5000/v2", "https://h:5000/token", true, false},
        {"https://h:5000/v2", "https://h:5001/token", false, false},
        {"https://registry-1.docker.io/v2", "https://auth.docker.io/token", false,
         true},
        {"https://registry.gitlab.com/v2", "https://gitlab.com/jwt", false, true},
        {"https://r.a.example.org/v2", "https://example.org/t", false, true},
        {"https://r.example.co.uk/v2", "https://t.example.co.uk/t", false, true},
        {"https://r.example.co.uk/v2", "https://t.evil.co.uk/t", false, false},
        {"https://example.co.uk/v2", "https://evil.co.uk/t", false, false},
        {"https://ghcr.io/v2", "https://evil.io/t", false, false},
        {"https://docker.io.evil.org/v2", "https://auth.docker.io/t", false, false},
        {"https://registry.gitlab.com/v2", "http://gitlab.com/jwt", false, false},
        {"http://registry.gitlab.com/v2", "http://gitlab.com/jwt", false, false},
        {"https://10.0.0.1/v2", "https://10.0.9.1/t", false, false},
        {"https://host/v2", "https://other/t", false, false},
        {"https://[::1]/v2", "https://[::2]/t", false, false},
    };
    struct cenv_url_parts a, b;

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].service);
        CHECK(cenv_url_split(&a, cenv_str(cases[i].registry)));
        CHECK(cenv_url_split(&b, cenv_str(cases[i].service)));
        CHECK_INT(cenv_oci_challenge_is_own(&a, &b), cases[i].own);
        if (!cases[i].own)
            CHECK_INT(cenv_oci_challenge_is_related(&a, &b), cases[i].related);
    }
}

int main(void)
{
    RUN(test_oci_challenge__is_read);
    RUN(test_oci_challenge__others_are_none);
    RUN(test_oci_challenge__logins_stay_in_their_domain);
    return check_report();
}
