/* SPDX-License-Identifier: BSD-3-Clause */
/* Which proxy a URL is asked through. */
#ifndef CENV_NET_HTTP_PROXY_H
#define CENV_NET_HTTP_PROXY_H

#include <stddef.h>

/* A proxy for a scheme or one host of it: "https", "https://host", "all", "all://host". */
struct cenv_http_proxy {
    const char *where, *url;
};

/*
 * The proxy for an http or https URL, or NULL; borrowed from the list or the environment. As in
 * conda and requests: one set for the URL's host comes first, then *_PROXY of the environment, then
 * one for its scheme, then those for "all".
 */
const char *cenv_http_proxy_find(const struct cenv_http_proxy *proxies, size_t nr,
                                 const char *url);

#endif
