/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/s3_kind: what is signed, and for whom. */
#include "remote_scene.h"

#define SECRET "wJalrXUtnFEMI"

static void set_variables(void)
{
    setenv("HOME", "/nonexistent", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
    setenv("AWS_SESSION_TOKEN", "session-1", 1);
    setenv("AWS_REGION", "eu-west-1", 1);
}

/* The endpoint is known when the server runs, and read when the remote is opened. */
static void open_bucket(void)
{
    char endpoint[100];

    start_server(&server);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", server.port);
    setenv("AWS_ENDPOINT_URL_S3", endpoint, 1);
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&document, 100);
    s = scratch_open();
    CHECK_INT(cenv_secret_url_new(&url, CENV_STR("s3://bucket/a+b/c"), &err), 0);
    CHECK_INT(cenv_remote_open(&remote, url, &options, &err), 0);
}

static void test_s3_kind__signs_what_it_sends(void)
{
    static const char *const scope = "Authorization: AWS4-HMAC-SHA256 Credential=AKID/";

    SCRIPT(OK("2", "{}"), NONE, CREATED, OK("5", ""));
    open_bucket();
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    char payload[200];
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 1);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, 0);
    CHECK(request_has(0, "GET /bucket/a%2Bb/c/ac/" KEY " "));
    CHECK(request_has(2, "PUT /bucket/a%2Bb/c/cas/"));
    for (unsigned i = 0; i < 4; i++) {
        CHECK(request_has(i, scope));
        CHECK(request_has(i, "/eu-west-1/s3/aws4_request"));
        CHECK(request_has(i, "x-amz-security-token: session-1\r\n"));
        CHECK(!request_has(i, SECRET));
    }
    CHECK(request_has(0, "x-amz-content-sha256: e3b0c44298fc1c14"));
    snprintf(payload, sizeof(payload), "x-amz-content-sha256: %s\r\n", a.sha256);
    CHECK(request_has(2, payload));
    close_remote();
}

/* What is signed follows no redirect, S3's own word for a refusal is shown. */
static void test_s3_kind__refusals_are_told(void)
{
    SCRIPT("HTTP/1.1 301 There\r\nLocation: http://127.0.0.1:1/\r\n"
           "Content-Length: 0\r\n\r\n",
           "HTTP/1.1 403 No\r\nContent-Length: 46\r\n\r\n"
           "<Error><Code>AccessDenied</Code><X>y</X></Error>",
           "HTTP/1.1 403 No\r\nContent-Length: 31\r\n\r\n"
           "<Error><Code>\033[31m</Code></Error>");
    open_bucket();
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
    CHECK(strstr(err.message, "remote s3://bucket/a+b/c: cannot read ac/"));
    CHECK(strstr(err.message, "elsewhere (HTTP 301)"));
    cenv_error_release(&err);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
    CHECK(strstr(err.message, "access is refused (HTTP 403, AccessDenied)"));
    CHECK(strstr(err.hint, "AWS_PROFILE"));
    cenv_error_release(&err);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
    CHECK(strstr(err.message, "(HTTP 403)"));
    close_remote();
}

/* As AWS's documentation has the answers. */
static void test_s3_kind__says_what_to_do(void)
{
    static const struct {
        const char *status, *code, *hint;
    } cases[] = {
        {"301 M\r\nx-amz-bucket-region: eu-north-1", "PermanentRedirect",
         "set AWS_REGION=eu-north-1"},
        {"400 B\r\nx-amz-bucket-region: eu-north-1", "AuthorizationHeaderMalformed",
         "set AWS_REGION=eu-north-1"},
        {"301 M\r\nx-amz-bucket-region: \033[31m", "PermanentRedirect",
         "to the bucket's region"},
        {"307 T\r\nLocation: http://127.0.0.1:1/", "TemporaryRedirect", "is new"},
        {"403 No\r\nx-amz-bucket-region: eu-west-1", "RequestTimeTooSkewed", "clock"},
        {"403 No", "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"},
        {"400 No", "ExpiredToken", "log in again"},
        {"404 No", "NoSuchBucket", "bucket's name"},
    };
    char reply[400];

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].code);
        snprintf(reply, sizeof(reply),
                 "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n<Error><Code>%s</Code>",
                 cases[i].status,
                 strlen("<Error><Code></Code>") + strlen(cases[i].code), cases[i].code);
        SCRIPT(reply);
        open_bucket();
        CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
        CHECK(strstr(err.message, cases[i].code));
        CHECK(strstr(err.hint, cases[i].hint));
        close_remote();
    }
}

/* SlowDown is tried again. */
static void test_s3_kind__waits_where_it_is_told_to_slow_down(void)
{
    SCRIPT("HTTP/1.1 503 Slow Down\r\nContent-Length: 28\r\n\r\n"
           "<Error><Code>SlowDown</Code>",
           OK("2", "{}"));
    open_bucket();
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 1);
    CHECK_INT(server.nr_requests, 2);
    close_remote();
}

static void test_s3_kind__asks_without_keys_unsigned(void)
{
    SCRIPT(NONE);
    unsetenv("AWS_ACCESS_KEY_ID");
    open_bucket();
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    CHECK(!request_has(0, "Authorization") && !request_has(0, "x-amz-security-token"));
    close_remote();
    set_variables();
}

static void test_s3_kind__refuses_what_it_cannot_mean(void)
{
    static const struct {
        const char *url, *variable, *value, *message;
    } cases[] = {
        {"s3://k:secret@bucket/a", "X", "", "has no login"},
        {"s3://bucket/a?x=y", "X", "", "query"},
        {"s3://bucket:80/a", "X", "", "port"},
        {"s3://bucket/a", "AWS_REGION", "evil.example/", "the AWS region is none"},
        {"s3://bucket/a", "AWS_SESSION_TOKEN", "a\r\nX: y", "the token"},
        {"s3://bucket/a", "AWS_ENDPOINT_URL_S3", "minio", "endpoint is no URL"},
        {"s3://bucket/a", "AWS_PROFILE", "none", "'none' is in no file"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].message);
        unsetenv("AWS_ENDPOINT_URL_S3");
        setenv(cases[i].variable, cases[i].value, 1);
        CHECK_INT(cenv_secret_url_new(&url, cenv_str(cases[i].url), &err), 0);
        CHECK_INT(cenv_remote_open(&remote, url, NULL, &err), CENV_EUSAGE);
        CHECK(strstr(err.message, cases[i].message));
        CHECK(!strstr(err.message, "secret"));
        cenv_secret_url_free(url);
        cenv_error_release(&err);
        unsetenv(cases[i].variable);
        set_variables();
    }
    CHECK_INT(cenv_alloc_live(), 0);
}

int main(void)
{
    set_variables();
    RUN(test_s3_kind__signs_what_it_sends);
    RUN(test_s3_kind__refusals_are_told);
    RUN(test_s3_kind__says_what_to_do);
    RUN(test_s3_kind__waits_where_it_is_told_to_slow_down);
    RUN(test_s3_kind__asks_without_keys_unsigned);
    RUN(test_s3_kind__refuses_what_it_cannot_mean);
    return check_report();
}
