/* SPDX-License-Identifier: BSD-3-Clause */
/* net/network: where a URL leads, and what is said of a transfer that failed. */
#include "net/network.h"

#include "check.h"

static void test_network__tells_local_from_remote(void)
{
    static const struct {
        const char *url;
        int rc;
        const char *path;
    } cases[] = {
        {"/srv/c h", 1, "/srv/c h"},           {"file:///srv/c%20h", 1, "/srv/c h"},
        {"file://localhost/srv", 1, "/srv"},   {"http://host/c", 0, ""},
        {"https://u:p@host/c", 0, ""},         {"file://host/srv", CENV_ECHANNEL, ""},
        {"file:///a%zz", CENV_ECHANNEL, NULL}, {"s3://bucket/c", CENV_ECHANNEL, ""},
        {"conda-forge", CENV_ECHANNEL, ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf path;
        cenv_buf_init(&path, 4096);
        check_case(cases[i].url);
        CHECK_INT(cenv_network_local_path(cenv_str(cases[i].url), &path, &err),
                  cases[i].rc);
        if (cases[i].path)
            CHECK_STR(cenv_buf_str(&path).data, cases[i].path);
        cenv_buf_release(&path);
        cenv_error_release(&err);
    }
}

static void test_network__keeps_secrets_out_of_messages(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf path;
    cenv_buf_init(&path, 4096);
    CHECK_INT(cenv_network_local_path(CENV_STR("ftp://u:p@host/t/tok/c"), &path, &err),
              CENV_ECHANNEL);
    CHECK_STR(err.message,
              "cannot fetch 'ftp://***@host/t/***/c': only http, https and "
              "file URLs are known");
    cenv_buf_release(&path);
    cenv_error_release(&err);
}

static void test_network__explains_a_status(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_http_transfer transfer = {.url = "https://u:p@host/c",
                                          .reply = {.status = 404}};
    CHECK_INT(cenv_network_set_error(&transfer, &err), CENV_ECHANNEL);
    CHECK_STR(err.message,
              "cannot fetch https://***@host/c: it is not there (HTTP 404)");
    CHECK(err.hint[0]);
    cenv_error_release(&err);

    transfer.reply.status = 418;
    CHECK_INT(cenv_network_set_error(&transfer, &err), CENV_ECHANNEL);
    CHECK_STR(err.message, "cannot fetch https://***@host/c: the server says HTTP 418");
    cenv_error_release(&err);
}

static void test_network__passes_on_what_the_system_said(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_http_transfer transfer = {.url = "https://host/c"};
    transfer.rc = cenv_error_os(&transfer.err, 28, "/full", "cannot write");
    CHECK_INT(cenv_network_set_error(&transfer, &err), CENV_EOS);
    CHECK_INT(err.os_errno, 28);
    CHECK_STR(err.path, "/full");
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_network__tells_local_from_remote);
    RUN(test_network__keeps_secrets_out_of_messages);
    RUN(test_network__explains_a_status);
    RUN(test_network__passes_on_what_the_system_said);
    return check_report();
}
