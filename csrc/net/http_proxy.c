/* SPDX-License-Identifier: BSD-3-Clause */
/* Which proxy a URL is asked through: see http_proxy.h. */
#include "net/http_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *read_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* libcurl does not read upper-case HTTP_PROXY (a CGI could be fooled by it); conda does. */
static const char *env_http_proxy(void)
{
    return read_env("http_proxy")       ? read_env("http_proxy")
           : read_env("REQUEST_METHOD") ? NULL
                                        : read_env("HTTP_PROXY");
}

static const char *env_proxy(bool secure)
{
    const char *proxy = !secure                   ? env_http_proxy()
                        : read_env("https_proxy") ? read_env("https_proxy")
                                                  : read_env("HTTPS_PROXY");

    return proxy                   ? proxy
           : read_env("all_proxy") ? read_env("all_proxy")
                                   : read_env("ALL_PROXY");
}

/* The host in a URL, without login and port. */
static struct cenv_str host_of(const char *url)
{
    struct cenv_str rest = cenv_str(url), host;

    rest = cenv_str_slice(rest, cenv_str_find(rest, ':') + 3, rest.len);
    host = cenv_str_cut(&rest, '/');
    if (cenv_str_rfind(host, '@') < host.len)
        host = cenv_str_slice(host, cenv_str_rfind(host, '@') + 1, host.len);
    if (cenv_str_starts(host, CENV_STR("[")))
        return cenv_str_slice(host, 0, cenv_str_find(host, ']') + 1);
    return cenv_str_slice(host, 0, cenv_str_find(host, ':'));
}

/* The option's proxy for "SCHEME" or "SCHEME://HOST", or NULL. */
static const char *option_proxy(const struct cenv_http_proxy *proxies, size_t nr,
                                const char *scheme, struct cenv_str host)
{
    size_t len = strlen(scheme);

    for (size_t i = 0; i < nr; i++) {
        const char *where = proxies[i].where;
        if (!cenv_str_starts_nocase(cenv_str(where), cenv_str(scheme)))
            continue;
        if (host.len == 0 ? !where[len]
                          : strncmp(where + len, "://", 3) == 0 &&
                                strlen(where + len + 3) == host.len &&
                                cenv_str_starts_nocase(cenv_str(where + len + 3), host))
            return proxies[i].url;
    }
    return NULL;
}

const char *cenv_http_proxy_find(const struct cenv_http_proxy *proxies, size_t nr,
                                 const char *url)
{
    bool secure = cenv_str_starts_nocase(cenv_str(url), CENV_STR("https:"));
    const char *scheme = secure ? "https" : "http";
    struct cenv_str host = host_of(url), none = CENV_STR("");
    const char *proxy = option_proxy(proxies, nr, scheme, host);

    if (!proxy)
        proxy = env_proxy(secure);
    if (!proxy)
        proxy = option_proxy(proxies, nr, scheme, none);
    if (!proxy)
        proxy = option_proxy(proxies, nr, "all", host);
    if (!proxy)
        proxy = option_proxy(proxies, nr, "all", none);
    return proxy;
}
