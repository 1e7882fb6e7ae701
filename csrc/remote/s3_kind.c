/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in S3: see s3_kind.h. libcurl signs each request, with the digest of what it sends. */
#include "remote/s3_kind.h"

#include <stdio.h>

#include "base/alloc.h"
#include "codec/url.h"
#include "remote/aws.h"
#include "remote/objects.h"

enum { URL_MAX = 64 << 10, REGION_MAX = 64, SESSION_MAX = 16 << 10 };

struct settings {
    struct cenv_aws aws;
    char scope[REGION_MAX + 16];
};

static void free_settings(void *settings)
{
    struct settings *own = settings;

    cenv_aws_release(&own->aws);
    cenv_free(own);
}

/* ---- where ---- */

/* What a signature takes for itself: all but what never is encoded. */
static void add_path(struct cenv_buf *out, struct cenv_str path)
{
    struct cenv_buf plain;

    cenv_buf_init(&plain, URL_MAX);
    if (!cenv_url_unquote(&plain, path))
        out->failed = plain.failed ? plain.failed : CENV_BUF_FULL;
    for (size_t i = 0; i < plain.len; i++) {
        char c = plain.data[i];
        if (cenv_is_alnum(c) || memchr("-._~/", c, 5))
            cenv_buf_putc(out, c);
        else
            cenv_buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    cenv_buf_release(&plain);
}

/* AWS has a host for each bucket; its certificates fit those without a dot. Others have one host
 * for all. */
static void add_host(struct cenv_buf *out, const struct cenv_aws *aws,
                     struct cenv_str bucket)
{
    const char *region = aws->region;
    const char *domain =
        strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    bool own = cenv_str_find(bucket, '.') == bucket.len;

    if (aws->endpoint)
        cenv_buf_addf(out, "%s/%.*s", aws->endpoint, CENV_STR_ARG(bucket));
    else if (own)
        cenv_buf_addf(out, "https://%.*s.s3.%s.%s", CENV_STR_ARG(bucket), region,
                      domain);
    else
        cenv_buf_addf(out, "https://s3.%s.%s/%.*s", region, domain,
                      CENV_STR_ARG(bucket));
}

static int refuse_url(const struct cenv_secret_url *url, const char *why,
                      struct cenv_error *err)
{
    cenv_error_set(err, CENV_EUSAGE, "remote %.1000s: %s",
                   cenv_secret_url_text(url).data, why);
    return cenv_error_hint(err, "an s3 URL is s3://bucket/prefix; keys, region and "
                                "endpoint come from AWS's variables and files");
}

static int set_base(struct cenv_remote_state *state, const struct cenv_secret_url *url,
                    const struct cenv_aws *aws, struct cenv_error *err)
{
    struct cenv_str text = cenv_secret_url_text(url);
    struct cenv_url_parts parts;
    struct cenv_buf base;

    if (cenv_secret_url_has_secrets(url) || !cenv_url_split(&parts, text) ||
        cenv_str_find(parts.host, ':') < parts.host.len)
        return refuse_url(url, "a bucket's URL has no login, port, query or /t/", err);
    struct cenv_str path = cenv_str_slice(
        text, (size_t)(parts.host.data + parts.host.len - text.data), text.len);
    cenv_buf_init(&base, URL_MAX);
    add_host(&base, aws, parts.host);
    add_path(&base, path);
    int rc = base.failed ? cenv_error_oom(err)
                         : cenv_secret_url_new(&state->base, cenv_buf_str(&base), err);
    cenv_buf_release(&base);
    if (rc == CENV_ECHANNEL) {
        cenv_error_release(err);
        rc = refuse_url(url, "its endpoint is no URL", err);
    }
    return rc;
}

/* ---- what S3 says ---- */

static const char *advise(long status, const char *code)
{
    static const struct {
        const char *code, *advice;
    } known[] = {
        {"NoSuchBucket", "check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL"},
        {"PermanentRedirect", "set AWS_REGION to the bucket's region"},
        {"AuthorizationHeaderMalformed", "set AWS_REGION to the bucket's region"},
        {"TemporaryRedirect", "the bucket is new: try again later"},
        {"RequestTimeTooSkewed", "set the clock of this machine"},
        {"ExpiredToken", "the session of AWS is over: log in again"},
        {"InvalidAccessKeyId", "AWS does not know AWS_ACCESS_KEY_ID, or the key of the "
                               "profile"},
    };

    (void)status;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].code, code) == 0)
            return known[i].advice;
    return NULL;
}

/* ---- signatures ---- */

/* Nothing that could end the line of a header. */
static bool is_line(const char *text)
{
    size_t len = 0;

    while (text[len] > ' ' && text[len] < 0x7f)
        len++;
    return !text[len] && len <= SESSION_MAX;
}

/* It becomes part of a host's name. */
static bool is_region(const char *text)
{
    size_t len = 0;

    while (cenv_is_alnum(text[len]) || text[len] == '-')
        len++;
    return !text[len] && len <= REGION_MAX;
}

static int set_signer(struct cenv_remote_state *state, struct settings *settings,
                      const struct cenv_secret_url *url, struct cenv_error *err)
{
    const struct cenv_aws *aws = &settings->aws;

    if (!aws->user)
        return 0;
    if (!cenv_http_can_sign(state->web.network.http))
        return refuse_url(url, "libcurl is older than 7.88, and signs nothing for S3",
                          err);
    if (aws->session && !is_line(aws->session))
        return refuse_url(url, "the token of the AWS session is none", err);
    snprintf(settings->scope, sizeof(settings->scope), "aws:amz:%s:s3", aws->region);
    state->signer = (struct cenv_http_signer){settings->scope, aws->user, aws->secret};
    if (aws->session) {
        struct cenv_buf line;
        cenv_buf_init(&line, SESSION_MAX + 100);
        cenv_buf_addf(&line, "x-amz-security-token: %s", aws->session);
        state->session = cenv_buf_detach(&line);
        cenv_buf_release(&line);
    }
    return !aws->session || state->session ? 0 : cenv_error_oom(err);
}

/* Sets the state up; what it holds is freed by its owner, whatever becomes of it. */
static int set_up(struct cenv_remote_state *state, struct settings *settings,
                  const struct cenv_secret_url *url,
                  const struct cenv_remote_options *options, struct cenv_error *err)
{
    struct cenv_aws *aws = &settings->aws;
    int rc = cenv_aws_read(aws, err);

    if (rc == 0 && !aws->region && !(aws->region = cenv_strdup("us-east-1")))
        rc = cenv_error_oom(err);
    if (rc == 0 && !is_region(aws->region))
        rc = refuse_url(url, "the AWS region is none", err);
    if (rc == 0)
        rc = set_base(state, url, aws, err);
    if (rc == 0)
        rc = cenv_web_open(&state->web, options,
                           "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
                           "AWS_SESSION_TOKEN, AWS_REGION or AWS_PROFILE; without "
                           "s3:ListBucket S3 refuses what is not there",
                           err);
    state->web.advise = advise;
    state->region = aws->region;
    if (rc == 0)
        rc = set_signer(state, settings, url, err);
    return rc;
}

static int open_state(struct cenv_remote_state **out, const struct cenv_secret_url *url,
                      const struct cenv_remote_options *options, struct cenv_error *err)
{
    struct cenv_remote_state *state = cenv_calloc(1, sizeof(*state));
    struct settings *settings = cenv_calloc(1, sizeof(*settings));

    if (!state || !settings) {
        cenv_free(state);
        cenv_free(settings);
        return cenv_error_oom(err);
    }
    state->settings = settings;
    state->free_settings = free_settings;
    int rc = set_up(state, settings, url, options, err);
    if (rc < 0)
        cenv_objects_free(state);
    else
        *out = state;
    return rc;
}

const struct cenv_remote_kind cenv_s3_kind = {
    .scheme = "s3",
    .open = open_state,
    .free = cenv_objects_free,
    .find = cenv_objects_find,
    .put = cenv_objects_put,
    .has = cenv_objects_has,
    .get = cenv_objects_get,
    .put_blobs = cenv_objects_put_blobs,
    .read_part = cenv_objects_read_part,
};
