/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a remote by the options of a call: see reach.h. */
#include "archive/reach.h"

#include <stdio.h>

#include "codec/options.h"
#include "store/layout.h"

enum { TIMEOUT_MAX = 3600000, TEXT_MAX = 128 };

struct settings {
    const char *url;
    const struct cenv_json *network;
    int64_t timeout_ms;
    bool pushing;
};

static int open_url(struct cenv_reach *reach, const struct settings *settings,
                    struct cenv_error *err)
{
    struct cenv_remote_options options = {.network = settings->network,
                                          .timeout_ms = (unsigned)settings->timeout_ms,
                                          .pushing = settings->pushing};
    int rc = cenv_secret_url_new(&reach->url, cenv_str(settings->url), err);
    if (rc == 0)
        rc = cenv_remote_open(&reach->remote, reach->url, &options, err);
    return rc;
}

int cenv_reach_open(struct cenv_reach *reach, const struct cenv_json *doc,
                    struct cenv_error *err)
{
    static const struct cenv_option table[] = {
        {"url", CENV_OPTION_TEXT, offsetof(struct settings, url), NULL},
        {"network", CENV_OPTION_OBJECT, offsetof(struct settings, network), NULL},
        {"timeout_ms", CENV_OPTION_INT, offsetof(struct settings, timeout_ms), NULL},
        {"push", CENV_OPTION_BOOL, offsetof(struct settings, pushing), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("remote", table);
    struct settings settings = {0};
    *reach = (struct cenv_reach){0};
    int rc = cenv_options_read(&options, doc, &settings, err);
    if (rc < 0)
        return rc;
    if (!settings.url)
        return cenv_error_set(err, CENV_EUSAGE, "no remote was given");
    if (settings.timeout_ms < 0 || settings.timeout_ms > TIMEOUT_MAX)
        return cenv_error_set(err, CENV_EUSAGE,
                              "a remote's time-out is 0 to %d milliseconds",
                              (int)TIMEOUT_MAX);
    return open_url(reach, &settings, err);
}

void cenv_reach_close(struct cenv_reach *reach)
{
    cenv_remote_free(reach->remote);
    cenv_secret_url_free(reach->url);
    *reach = (struct cenv_reach){0};
}

int cenv_reach_file_key(struct cenv_str file, char key[CENV_DIGEST_HEX_MAX],
                        struct cenv_error *err)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof(text), "cenv request %.*s",
             CENV_STR_ARG(cenv_str_slice(file, 0, CENV_STORE_KEY - 1)));
    return cenv_digest_sha256_hex(cenv_str(text), key) ? 0 : cenv_error_oom(err);
}

int cenv_reach_request_key(struct cenv_str request, char key[CENV_DIGEST_HEX_MAX],
                           struct cenv_error *err)
{
    char name[CENV_STORE_KEY];
    int rc = cenv_layout_key(request, name, err);
    if (rc == 0)
        rc = cenv_reach_file_key(cenv_str(name), key, err);
    return rc;
}
