/* SPDX-License-Identifier: BSD-3-Clause */
/* net/certificates: which certificates are taken, and what a message says was looked at. */
#include "net/certificates.h"

#include <stdlib.h>

#include "check.h"

static const char *const names[] = {"SSL_CERT_DIR", "SSL_CERT_FILE", "CURL_CA_BUNDLE",
                                    "REQUESTS_CA_BUNDLE"};

static void clear_environment(void)
{
    for (size_t i = 0; i < CHECK_NR(names); i++)
        unsetenv(names[i]);
}

static void test_certificates__of_the_options_come_first(void)
{
    struct cenv_certificates from = {.given = "/given"};

    setenv("SSL_CERT_FILE", "/named", 1);
    CHECK_STR(cenv_certificates_find(&from, false), "/given");
    CHECK_STR(cenv_certificates_find(&from, true), "/given");
    clear_environment();
}

static void test_certificates__of_the_environment_are_taken_in_order(void)
{
    struct cenv_certificates from = {.given = NULL};

    for (size_t i = 0; i < CHECK_NR(names); i++) {
        setenv(names[i], names[i], 1);
        check_case(names[i]);
        CHECK_STR(cenv_certificates_find(&from, false), names[i]);
    }
    setenv("REQUESTS_CA_BUNDLE", "", 1);
    CHECK_STR(cenv_certificates_find(&from, false), "CURL_CA_BUNDLE");
    from.system = true;
    CHECK(cenv_certificates_find(&from, false) == NULL);
    clear_environment();
}

/* The machine that tests has certificates in a place of its system, or the fallback serves. */
static void
test_certificates__of_the_system_are_looked_for_where_libcurl_is_carried(void)
{
    struct cenv_certificates from = {.fallback = "/fallback"};
    const char *found = cenv_certificates_find(&from, true);

    CHECK(cenv_certificates_find(&from, false) == NULL);
    CHECK(found &&
          (strncmp(found, "/etc/", 5) == 0 || strcmp(found, "/fallback") == 0));
}

static void test_certificates__says_all_that_was_looked_at(void)
{
    char text[CENV_CERTIFICATES_TEXT], whole[2 * CENV_CERTIFICATES_TEXT];

    cenv_certificates_describe(text, sizeof(text), true);
    cenv_certificates_describe(whole, sizeof(whole), true);
    CHECK_STR(text, whole);
    for (size_t i = 0; i < CHECK_NR(names); i++)
        CHECK(strstr(text, names[i]) != NULL);
    CHECK(strstr(text, "/etc/ssl/cert.pem") != NULL);
    CHECK(strstr(text, "certifi") != NULL);
    cenv_certificates_describe(text, sizeof(text), false);
    CHECK(strstr(text, "/etc/") == NULL);
}

int main(void)
{
    clear_environment();
    RUN(test_certificates__of_the_options_come_first);
    RUN(test_certificates__of_the_environment_are_taken_in_order);
    RUN(test_certificates__of_the_system_are_looked_for_where_libcurl_is_carried);
    RUN(test_certificates__says_all_that_was_looked_at);
    return check_report();
}
