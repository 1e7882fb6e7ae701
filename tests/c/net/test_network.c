/* SPDX-License-Identifier: BSD-3-Clause */
/* net/network: where a URL leads, and what is said of a transfer that failed. */
#include "net/network.h"

#include "check.h"

static struct cenv_secret_url *make_url(const char *text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = NULL;

    CHECK_INT(cenv_secret_url_new(&url, cenv_str(text), &err), 0);
    return url;
}

static void test_network__tells_local_from_remote(void)
{
    static const struct {
        const char *url;
        int rc;
        const char *path;
    } cases[] = {
        {"/srv/c h", 1, "/srv/c h"},         {"file:///srv/c%20h", 1, "/srv/c h"},
        {"file://localhost/srv", 1, "/srv"}, {"http://host/c", 0, ""},
        {"https://u:p@host/c", 0, ""},       {"file:/srv/50%", 1, "/srv/50%"},
        {"file:///a%zz", 1, "/a%zz"},        {"s3://bucket/c", CENV_ECHANNEL, ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf path;
        cenv_buf_init(&path, 4096);
        check_case(cases[i].url);
        struct cenv_secret_url *url = make_url(cases[i].url);
        CHECK_INT(cenv_network_local_path(url, &path, &err), cases[i].rc);
        CHECK_STR(cenv_buf_str(&path).data, cases[i].path);
        cenv_secret_url_free(url);
        cenv_buf_release(&path);
        cenv_error_release(&err);
    }
}

static void test_network__keeps_secrets_out_of_messages(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf path;
    cenv_buf_init(&path, 4096);
    struct cenv_secret_url *url = make_url("ftp://u:p@host/t/tok/c");
    CHECK_INT(cenv_network_local_path(url, &path, &err), CENV_ECHANNEL);
    CHECK_STR(err.message,
              "cannot fetch 'ftp://host/c': only http, https and file URLs are known");
    cenv_secret_url_free(url);
    cenv_buf_release(&path);
    cenv_error_release(&err);
}

static void test_network__explains_a_status(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = make_url("https://u:p@host/c");
    struct cenv_http_transfer transfer = {.url = url, .reply = {.status = 404}};
    CHECK_INT(cenv_network_set_error(&transfer, &err), CENV_ECHANNEL);
    CHECK_STR(err.message, "cannot fetch https://host/c: it is not there (HTTP 404)");
    CHECK(err.hint[0]);
    cenv_error_release(&err);

    transfer.reply.status = 418;
    CHECK_INT(cenv_network_set_error(&transfer, &err), CENV_ECHANNEL);
    CHECK_STR(err.message, "cannot fetch https://host/c: the server says HTTP 418");
    cenv_error_release(&err);
    cenv_secret_url_free(url);
}

static void test_network__passes_on_what_the_system_said(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = make_url("https://host/c");
    struct cenv_http_transfer transfer = {.url = url};
    transfer.rc = cenv_error_os(&transfer.err, 28, "/full", "cannot write");
    CHECK_INT(cenv_network_set_error(&transfer, &err), CENV_EOS);
    CHECK_INT(err.os_errno, 28);
    CHECK_STR(err.path, "/full");
    cenv_error_release(&err);
    cenv_secret_url_free(url);
}

int main(void)
{
    RUN(test_network__tells_local_from_remote);
    RUN(test_network__keeps_secrets_out_of_messages);
    RUN(test_network__explains_a_status);
    RUN(test_network__passes_on_what_the_system_said);
    return check_report();
}
