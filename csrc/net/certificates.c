/* SPDX-License-Identifier: BSD-3-Clause */
/* Places of certificates: see certificates.h. */
#include "net/certificates.h"

#include <stdio.h>
#include <stdlib.h>

#include "cenv.h"
#include "os/raw_file.h"

static const char *const variables[] = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                        "SSL_CERT_FILE", "SSL_CERT_DIR"};

/* As Go's crypto/x509 looks for them: Debian, Fedora, openSUSE, RHEL, Alpine and macOS. */
static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
};

enum {
    NR_VARIABLES = sizeof(variables) / sizeof(variables[0]),
    NR_PLACES = sizeof(places) / sizeof(places[0]),
};

bool cenv_carries_libcurl(void)
{
#ifdef CENV_LINK_CURL
    return true;
#else
    return false;
#endif
}

static const char *find_named(void)
{
    for (size_t i = 0; i < NR_VARIABLES; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return value;
    }
    return NULL;
}

static const char *find_place(void)
{
    struct cenv_stat st;
    for (size_t i = 0; i < NR_PLACES; i++)
        if (cenv_raw_stat(CENV_CWD, places[i], &st) == 0)
            return places[i];
    return NULL;
}

const char *cenv_certificates_find(const struct cenv_certificates *from, bool carried)
{
    const char *path = from->given;

    if (!path && !from->system)
        path = find_named();
    if (!path && carried)
        path = find_place();
    if (!path && carried)
        path = from->fallback;
    return path;
}

void cenv_certificates_describe(char *out, size_t size, bool carried)
{
    int used = snprintf(out, size, "ssl_verify");

    for (size_t i = 0; i < NR_VARIABLES; i++)
        used += snprintf(out + used, size - (size_t)used, ", %s", variables[i]);
    for (size_t i = 0; carried && i < NR_PLACES; i++)
        used += snprintf(out + used, size - (size_t)used, ", %s", places[i]);
    if (carried)
        snprintf(out + used, size - (size_t)used, ", certifi");
}
