/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes URLs: a normal form is its own, what is shown of it has no secrets, and they stay with
 * their origin. */
#include <stdint.h>
#include <stdlib.h>

#include "codec/secret_url.h"
#include "codec/url.h"
#include "model/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Nothing of a login, a token or a query is in what is shown. */
static void check_clean(struct cenv_str clean)
{
    struct cenv_url_parts parts;

    if (cenv_url_split(&parts, clean))
        require(!parts.auth.len && !parts.token.len && !parts.query.len);
}

static void check_forms(struct cenv_str text)
{
    struct cenv_buf normal, again, clean;

    cenv_buf_init(&normal, 1 << 20);
    cenv_buf_init(&again, 1 << 20);
    cenv_buf_init(&clean, 1 << 20);
    require(cenv_url_clean(&clean, text));
    check_clean(cenv_buf_str(&clean));
    if (cenv_url_normalize(&normal, text)) {
        require(cenv_url_normalize(&again, cenv_buf_str(&normal)));
        require(cenv_str_eq(cenv_buf_str(&normal), cenv_buf_str(&again)));
        cenv_buf_clear(&again);
        require(cenv_url_clean(&again, cenv_buf_str(&normal)));
        check_clean(cenv_buf_str(&again));
    }
    cenv_buf_release(&clean);
    cenv_buf_release(&again);
    cenv_buf_release(&normal);
}

static bool has_login(const struct cenv_secret_url *url)
{
    struct cenv_url_parts parts;

    return cenv_url_split(&parts, cenv_str(cenv_secret_url_for_request(url))) &&
           parts.auth.len;
}

/* What a server says of where its files lie takes a login to no other server; it has none itself.
 */
static void check_join(struct cenv_str ref)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *base = NULL, *url = NULL;
    struct cenv_url_parts parts;

    require(cenv_secret_url_new(&base, CENV_STR("https://u:canary@host.org/c"), &err) ==
            0);
    if (cenv_secret_url_join(&url, base, ref, &err) == 0) {
        struct cenv_str text = cenv_secret_url_text(url);
        check_clean(text);
        if (cenv_url_split(&parts, text) && has_login(url))
            require(cenv_str_is(parts.host, "host.org") &&
                    cenv_str_is(parts.scheme, "https"));
    } else {
        require(err.status != 0 && err.message[0]);
    }
    cenv_error_release(&err);
    cenv_secret_url_free(url);
    cenv_secret_url_free(base);
}

/* base_url leads from a server to no file of this machine. */
static void check_base(struct cenv_str base_url)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 20);
    if (cenv_channel_add_base(&out, CENV_STR("https://host.org/c"), base_url, &err) ==
        0)
        require(!cenv_str_starts_nocase(cenv_buf_str(&out), CENV_STR("file:")));
    cenv_error_release(&err);
    cenv_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str text = cenv_str_n((const char *)data, size < 8192 ? size : 8192);

    check_forms(text);
    if (cenv_str_find(text, '@') == text.len)
        check_join(text);
    check_base(text);
    return 0;
}
