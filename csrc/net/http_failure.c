/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers that fail: see http_failure.h. */
#include "net/http_failure.h"

#include "cenv.h"

bool cenv_http_failure_passes(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return status == 408 || status == 429 || status == 500 ||
               (status >= 502 && status <= 504);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static const char *advice_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "the server is too slow or does not answer: try again later";
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_WEIRD_SERVER_REPLY:
        return "check the URL";
    default:
        return "try again";
    }
}

static bool reaches_nobody(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT;
}

static void advise_on_certificates(struct cenv_error *err,
                                   const struct cenv_http_options *options)
{
    bool carried = cenv_carries_libcurl();
    const char *path = cenv_certificates_find(&options->certificates, carried);
    char places[CENV_CERTIFICATES_TEXT];

    cenv_certificates_describe(places, sizeof(places), carried);
    if (path)
        cenv_error_hint(err,
                        "check the server's certificate against %s, or name your CA "
                        "file in SSL_CERT_FILE",
                        path);
    else
        cenv_error_hint(err,
                        "check the server's certificate, or name your CA file in "
                        "SSL_CERT_FILE: none was found in %s",
                        places);
}

void cenv_http_failure_set(struct cenv_error *err, const struct cenv_curl *lib,
                           CURLcode code, const char *text,
                           const struct cenv_http_options *options)
{
    cenv_error_set(err, CENV_ECHANNEL, "%s",
                   text[0] ? text : lib->curl_easy_strerror(code));
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        advise_on_certificates(err, options);
    else if (reaches_nobody(code))
        cenv_error_hint(err, "check the address and the network%s%s",
                        options->way_out ? ", or " : "",
                        options->way_out ? options->way_out : "");
    else
        cenv_error_hint(err, "%s", advice_of(code));
}
