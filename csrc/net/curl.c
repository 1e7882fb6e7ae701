/* SPDX-License-Identifier: BSD-3-Clause */
/* libcurl, loaded at its first use: see curl.h. */
#include "net/curl.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/mutex.h"
#include "os/library.h"

static struct {
    struct cenv_curl curl;
    bool tried;
    char failure[256];
} library;
static struct cenv_mutex library_lock = CENV_MUTEX_INIT;

/* A wheel carries libcurl (CENV_LINK_CURL): it must run where none is installed. */
#ifdef CENV_LINK_CURL
static void find_functions(void)
{
#define XX(name) library.curl.name = name;
    CENV_CURL_FUNCTIONS(XX)
#undef XX
}
#else
static void find_functions(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4",
                                        "libcurl.4.dylib", NULL};
    void *handle = cenv_library_open(names);

    if (!handle) {
        snprintf(library.failure, sizeof(library.failure), "libcurl cannot be loaded");
        return;
    }
#define XX(name) \
    if (!cenv_library_find(handle, #name, &library.curl.name)) \
        snprintf(library.failure, sizeof(library.failure), "libcurl has no " #name);
    CENV_CURL_FUNCTIONS(XX)
#undef XX
}
#endif

static void load_library(void)
{
    library.tried = true;
    find_functions();
    if (!library.failure[0] &&
        library.curl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        snprintf(library.failure, sizeof(library.failure),
                 "libcurl cannot be initialised");
}

int cenv_curl_load(const struct cenv_curl **out, struct cenv_error *err)
{
    cenv_mutex_lock(&library_lock);
    if (!library.tried)
        load_library();
    cenv_mutex_unlock(&library_lock);
    if (!library.failure[0]) {
        *out = &library.curl;
        return 0;
    }
    cenv_error_set(err, CENV_EFAIL, "cannot use the network: %s", library.failure);
    return cenv_error_hint(
        err, "install libcurl (Debian, Ubuntu: libcurl4), or work --offline");
}
