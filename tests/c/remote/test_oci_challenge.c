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
        const char *registry, *service, *request;
    } cases[] = {
        {"ghcr.io", "https://ghcr.io/token?x", "https://u:p@ghcr.io/token?x"},
        {"h:5000", "https://h:5000/token", "https://u:p@h:5000/token"},
        {"h:5000", "https://h:5001/token", "https://h:5001/token"},
        {"registry-1.docker.io", "https://auth.docker.io/token?a=b",
         "https://u:p@auth.docker.io/token?a=b"},
        {"registry.gitlab.com", "https://gitlab.com/jwt", "https://u:p@gitlab.com/jwt"},
        {"gitlab.example.org:5050", "https://gitlab.example.org/jwt/auth",
         "https://u:p@gitlab.example.org/jwt/auth"},
        {"registry.example.org:5050", "https://gitlab.example.org/jwt/auth",
         "https://u:p@gitlab.example.org/jwt/auth"},
        {"h.example.org:5050", "https://h.example.org:444/t",
         "https://h.example.org:444/t"},
        {"10.0.0.1:5000", "https://10.0.0.1/t", "https://u:p@10.0.0.1/t"},
        {"[::1]:5000", "https://[::1]/t", "https://u:p@[::1]/t"},
        {"r.a.example.org", "https://example.org/t", "https://u:p@example.org/t"},
        {"r.example.co.uk", "https://t.example.co.uk/t",
         "https://u:p@t.example.co.uk/t"},
        {"r.example.co.uk", "https://t.evil.co.uk/t", "https://t.evil.co.uk/t"},
        {"example.co.uk", "https://evil.co.uk/t", "https://evil.co.uk/t"},
        {"ghcr.io", "https://evil.io/t", "https://evil.io/t"},
        {"docker.io.evil.org", "https://auth.docker.io/t", "https://auth.docker.io/t"},
        {"registry.gitlab.com", "https://gitlab.com:444/t", "https://gitlab.com:444/t"},
        {"10.0.0.1", "https://10.0.9.1/t", "https://10.0.9.1/t"},
        {"host", "https://other/t", "https://other/t"},
        {"[::1]", "https://[::2]/t", "https://[::2]/t"},
        {"registry.gitlab.com", "http://gitlab.com/jwt", NULL},
        {"h.org", "https://x:y@h.org/jwt", NULL},
        {"h.org", "ftp://h.org/jwt", NULL},
        {"h.org", "/jwt", NULL},
    };
    struct cenv_error err = CENV_ERROR_INIT;

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_secret_url *registry = NULL, *url = NULL;
        struct cenv_str service = cenv_str(cases[i].service);
        char text[100];
        check_case(cases[i].service);
        snprintf(text, sizeof(text), "https://u:p@%s/v2/a", cases[i].registry);
        CHECK_INT(cenv_secret_url_new(&registry, cenv_str(text), &err), 0);
        int rc = cenv_oci_challenge_service(registry, service, &err);
        CHECK_INT(rc < 0, !cases[i].request);
        if (rc >= 0) {
            CHECK_INT(cenv_oci_challenge_url(&url, registry, service,
                                             (enum cenv_oci_service)rc, &err),
                      0);
            CHECK_STR(cenv_secret_url_for_request(url), cases[i].request);
        }
        cenv_secret_url_free(url);
        cenv_secret_url_free(registry);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_oci_challenge__is_read);
    RUN(test_oci_challenge__others_are_none);
    RUN(test_oci_challenge__logins_stay_in_their_domain);
    return check_report();
}
