/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs and failed downloads: see network.h. */
#include "net/network.h"

#include "base/alloc.h"
#include "codec/url.h"

/* ---- settings ---- */

/* A number of seconds times `unit`, at least 1; 0 when absent or not above 0. */
static unsigned read_duration(const struct cenv_json *settings, const char *key,
                              double unit)
{
    double seconds = 0;

    cenv_json_double(cenv_json_get(settings, key), &seconds);
    if (!(seconds > 0))
        return 0;
    return seconds * unit < 1 ? 1
           : seconds > 86400  ? (unsigned)(86400 * unit)
                              : (unsigned)(seconds * unit);
}

static void read_ssl(struct cenv_http_options *o, const struct cenv_json *settings)
{
    const struct cenv_json *verify = cenv_json_get(settings, "ssl_verify");
    const char *text = cenv_json_cstr(verify);
    struct cenv_certificates *from = &o->certificates;

    o->insecure = cenv_json_type(verify) == CENV_JSON_BOOL && !cenv_json_true(verify);
    from->system = text && strcmp(text, "truststore") == 0;
    from->given = from->system ? NULL : text;
    from->fallback = cenv_json_get_cstr(settings, "certifi");
    o->cert = cenv_json_get_cstr(settings, "client_ssl_cert");
    o->key = cenv_json_get_cstr(settings, "client_ssl_cert_key");
}

static bool read_proxies(struct cenv_network *n, const struct cenv_json *servers)
{
    const struct cenv_json *item;

    n->proxies = cenv_calloc(cenv_json_len(servers) + 1, sizeof(*n->proxies));
    if (!n->proxies)
        return false;
    cenv_json_each(item, servers)
    {
        struct cenv_http_proxy proxy = {cenv_json_key(item), cenv_json_cstr(item)};
        if (proxy.where && proxy.url)
            n->proxies[n->options.nr_proxies++] = proxy;
    }
    n->options.proxies = n->proxies;
    return true;
}

int cenv_network_open(struct cenv_network *network, const struct cenv_json *settings,
                      struct cenv_error *err)
{
    struct cenv_http_options *o = &network->options;
    int64_t retries = cenv_json_get_int(settings, "remote_max_retries", -1);
    int rc;

    if (network->http)
        return 0;
    read_ssl(o, settings);
    o->way_out = "work --offline";
    o->connect_ms = read_duration(settings, "remote_connect_timeout_secs", 1000);
    o->read_seconds = read_duration(settings, "remote_read_timeout_secs", 1);
    o->tries = retries < 0 ? 0 : retries > 100 ? 101 : (unsigned)retries + 1;
    if (!read_proxies(network, cenv_json_get(settings, "proxy_servers")))
        return cenv_error_oom(err);
    rc = cenv_http_open(&network->http, o, err);
    if (rc < 0)
        cenv_network_close(network);
    return rc;
}

void cenv_network_close(struct cenv_network *network)
{
    cenv_http_free(network->http);
    cenv_free(network->proxies);
    *network = (struct cenv_network){.http = NULL};
}

/* ---- where a URL leads ---- */

int cenv_network_local_path(const struct cenv_secret_url *url, struct cenv_buf *path,
                            struct cenv_error *err)
{
    struct cenv_str text = cenv_secret_url_text(url);

    if (cenv_str_starts(text, CENV_STR("http://")) ||
        cenv_str_starts(text, CENV_STR("https://")))
        return 0;
    if (!cenv_str_starts(text, CENV_STR("file:///")))
        return cenv_error_set(
            err, CENV_ECHANNEL,
            "cannot fetch '%.1000s': only http, https and file URLs are known",
            text.data);
    text = cenv_str_slice(text, strlen("file://"), text.len);
    return cenv_url_unquote(path, text) ? 1 : cenv_error_oom(err);
}

/* ---- what went wrong ---- */

static const char *status_text(long status)
{
    switch (status) {
    case 401:
        return "it wants a login (HTTP 401)";
    case 403:
        return "access is refused (HTTP 403)";
    case 404:
        return "it is not there (HTTP 404)";
    case 407:
        return "the proxy wants a login (HTTP 407)";
    case 429:
        return "too many requests (HTTP 429)";
    default:
        return NULL;
    }
}

static const char *status_advice(long status)
{
    switch (status) {
    case 401:
    case 403:
        return "check the token or password in the channel's URL or in ~/.netrc";
    case 404:
        return "check the channel's URL; where its index is out of date, fetch it again";
    case 407:
        return "put user and password into the proxy's URL (https_proxy)";
    default:
        return "try again later";
    }
}

int cenv_network_set_error(struct cenv_http_transfer *transfer, struct cenv_error *err)
{
    int status = transfer->rc < 0 ? transfer->rc : CENV_ECHANNEL;
    const char *reason = status_text(transfer->reply.status);
    const char *url = cenv_secret_url_text(transfer->url).data;

    if (status == CENV_EOS || status == CENV_ENOMEM)
        return cenv_error_move(err, &transfer->err);
    if (transfer->rc < 0)
        cenv_error_set(err, status, "cannot fetch %s: %s", url, transfer->err.message);
    else if (reason)
        cenv_error_set(err, status, "cannot fetch %s: %s", url, reason);
    else
        cenv_error_set(err, status, "cannot fetch %s: the server says HTTP %ld", url,
                       transfer->reply.status);
    cenv_error_hint(err, "%s",
                    transfer->rc < 0 ? transfer->err.hint
                                     : status_advice(transfer->reply.status));
    cenv_error_release(&transfer->err);
    return status;
}
