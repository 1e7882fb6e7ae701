/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the certificates of authorities are that servers are checked against. */
#ifndef CENV_NET_CERTIFICATES_H
#define CENV_NET_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>

/* Where certificates come from; zero is the default. All strings are borrowed. */
struct cenv_certificates {
    const char *given;    /* a file or directory, or NULL */
    const char *fallback; /* a file for machines that have none, or NULL */
    bool system;          /* the system's, whatever the environment says */
};

/*
 * The file or directory of certificates: the one given; else, unless the system's are
 * asked for, what REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE or SSL_CERT_DIR names, in this
 * order (conda's and OpenSSL's); else, where libcurl is `carried`, the first of the systems'
 * places that is there, then the fallback. NULL: libcurl's own place, or none. The text
 * belongs to `from`, the environment or the program.
 */
const char *cenv_certificates_find(const struct cenv_certificates *from, bool carried);

/* Writes what cenv_certificates_find() looks at, for a message; it fits in this many bytes. */
enum { CENV_CERTIFICATES_TEXT = 400 };
void cenv_certificates_describe(char *out, size_t size, bool carried);

#endif
