/* SPDX-License-Identifier: BSD-3-Clause */
/* Which proxy a URL is asked through. */
#include "net/http_proxy.h"

#include <stdlib.h>

#include "check.h"

static const char *const variables[] = {"http_proxy",    "HTTP_PROXY", "https_proxy",
                                        "HTTPS_PROXY",   "all_proxy",  "ALL_PROXY",
                                        "REQUEST_METHOD"};

static void clear_environment(void)
{
    for (size_t i = 0; i < CHECK_NR(variables); i++)
        unsetenv(variables[i]);
}

static const char *find_proxy(const struct cenv_http_proxy *proxies, size_t nr,
                              const char *url)
{
    const char *proxy = cenv_http_proxy_find(proxies, nr, url);

    check_case(url);
    return proxy ? proxy : "none";
}

static void test_http_proxy__options(void)
{
    static const struct cenv_http_proxy proxies[] = {{"http", "p1"},
                                                     {"https://Host.org", "p2"},
                                                     {"all", "p3"},
                                                     {"all://[::1]", "p4"}};

    clear_environment();
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "http://host.org/c"), "p1");
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://u:p@host.org:443/c"),
              "p2");
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://host.org.evil/c"), "p3");
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://evil/@host.org"), "p3");
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://[::1]:8080/c"), "p4");
    CHECK_STR(find_proxy(proxies, 1, "https://host.org/c"), "none");
}

static void test_http_proxy__environment(void)
{
    static const struct cenv_http_proxy proxies[] = {{"https", "scheme"},
                                                     {"https://host", "host"}};

    clear_environment();
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://other/"), "scheme");
    setenv("ALL_PROXY", "all", 1);
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://other/"), "all");
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://host/"), "host");
    setenv("HTTPS_PROXY", "upper", 1);
    setenv("https_proxy", "", 1); /* empty: as if it were not set */
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://other/"), "upper");
    setenv("https_proxy", "lower", 1);
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "https://other/"), "lower");
    setenv("HTTP_PROXY", "plain", 1);
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "http://other/"), "plain");
    setenv("REQUEST_METHOD", "GET", 1); /* a CGI, where a client sets HTTP_PROXY */
    CHECK_STR(find_proxy(proxies, CHECK_NR(proxies), "http://other/"), "all");
    clear_environment();
}

int main(void)
{
    RUN(test_http_proxy__options);
    RUN(test_http_proxy__environment);
    return check_report();
}
