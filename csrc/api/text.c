/* SPDX-License-Identifier: BSD-3-Clause */
/* Text that may have secrets in it, for callers outside of the core: see cenv.h. */
#include "base/redact.h"
#include "cenv.h"
#include "codec/json_writer.h"
#include "codec/url.h"
#include "model/channel.h"
#include "model/spec_text.h"

enum { URL_MAX = 64 << 10 };

int cenv_text_redact(struct cenv_str text, struct cenv_buf *out, struct cenv_error *err)
{
    return cenv_redact(out, text) ? 0 : cenv_error_oom(err);
}

int cenv_text_clean_spec(struct cenv_str spec, struct cenv_buf *out,
                         struct cenv_error *err)
{
    return cenv_spec_text_clean(out, spec) ? 0 : cenv_error_oom(err);
}

static int write_parts(struct cenv_buf *out, struct cenv_str url,
                       struct cenv_error *err)
{
    struct cenv_channel_url u;
    struct cenv_json_writer w;

    if (!cenv_channel_split(&u, url))
        return cenv_error_set(err, CENV_ECHANNEL, "it is no URL");
    const struct cenv_str parts[] = {u.scheme,   u.auth,   u.host, u.root, u.token,
                                     u.location, u.subdir, u.file, u.query};
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        cenv_json_write_str(&w, NULL, parts[i]);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

int cenv_text_split_url(struct cenv_str url, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_buf text;
    int rc;

    if (url.len > URL_MAX)
        return cenv_error_set(err, CENV_ECHANNEL, "a URL is too long");
    cenv_buf_init(&text, 4 * URL_MAX);
    if (cenv_url_normalize(&text, url)) {
        rc = text.failed ? cenv_error_oom(err)
                         : write_parts(out, cenv_buf_str(&text), err);
    } else {
        cenv_url_clean(&text, url);
        cenv_error_set(err, CENV_ECHANNEL, "'%s' is no URL",
                       text.data ? text.data : "");
        rc = cenv_error_hint(
            err,
            cenv_str_starts_nocase(url, CENV_STR("file:"))
                ? "a file URL has three slashes and an absolute path"
                : "in a password write %%2F for a slash and %%40 for an @, in a path "
                  "%%40 for an @");
    }
    cenv_buf_release(&text);
    return rc;
}
