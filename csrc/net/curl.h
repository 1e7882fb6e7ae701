/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcurl, opened when the first transfer starts: linking it would cost every command four
 * milliseconds at start.
 */
#ifndef CENV_NET_CURL_H
#define CENV_NET_CURL_H

#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION /* CURLOPT_PROTOCOLS_STR is too new for what we run on */
#include <curl/curl.h>

#include "base/error.h"

#define CENV_CURL_FUNCTIONS(XX) \
    XX(curl_global_init) \
    XX(curl_version_info) \
    XX(curl_easy_init) \
    XX(curl_easy_setopt) \
    XX(curl_easy_getinfo) \
    XX(curl_easy_strerror) \
    XX(curl_easy_cleanup) \
    XX(curl_multi_init) \
    XX(curl_multi_setopt) \
    XX(curl_multi_add_handle) \
    XX(curl_multi_remove_handle) \
    XX(curl_multi_perform) \
    XX(curl_multi_poll) \
    XX(curl_multi_info_read) \
    XX(curl_multi_strerror) \
    XX(curl_multi_cleanup) \
    XX(curl_slist_append) \
    XX(curl_slist_free_all)

/* The library's functions, by their own names; filled once, then only read. */
struct cenv_curl {
#define XX(name) __typeof__(name) *name;
    CENV_CURL_FUNCTIONS(XX)
#undef XX
};

/* CENV_EFAIL: it cannot be loaded. */
int cenv_curl_load(const struct cenv_curl **out, struct cenv_error *err);

#endif
