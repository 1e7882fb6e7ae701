/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/secret_url: what is shown, and what a server is sent. */
#include "codec/secret_url.h"

#include "base/alloc.h"
#include "check.h"

static void check_url(struct cenv_secret_url *url, const char *text,
                      const char *request)
{
    CHECK_STR(cenv_secret_url_text(url).data, text);
    CHECK_STR(cenv_secret_url_for_request(url), request);
    cenv_secret_url_free(url);
}

static void test_secret_url__text_has_no_secrets(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = NULL;

    CHECK_INT(
        cenv_secret_url_new(&url, CENV_STR("https://u:p@h/t/tk-1/c/?sig=x"), &err), 0);
    check_url(url, "https://h/c", "https://u:p@h/t/tk-1/c?sig=x");
    CHECK_INT(cenv_secret_url_new(&url, CENV_STR("/srv/a b"), &err), 0);
    check_url(url, "file:///srv/a%20b", "file:///srv/a%20b");
}

static void test_secret_url__refuses_without_showing(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = NULL;

    CHECK_INT(cenv_secret_url_new(&url, CENV_STR("https://u:pass/word@h/c"), &err),
              CENV_ECHANNEL);
    CHECK(url == NULL);
    CHECK_STR(err.message, "'https://***' is no URL");
    CHECK(!strstr(err.hint, "pass/"));
    cenv_error_release(&err);
    CHECK_INT(cenv_secret_url_new(&url, CENV_STR("file://srv/c"), &err), CENV_ECHANNEL);
    CHECK_STR(err.message,
              "'file://srv/c' is no URL: only http, https and file URLs are known");
    CHECK(strstr(err.hint, "three slashes"));
    cenv_error_release(&err);
}

static void test_secret_url__child_keeps_secrets(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *dir = NULL, *url = NULL;

    CHECK_INT(cenv_secret_url_new(&dir, CENV_STR("https://u:p@h/t/tk-1/c?sig=x"), &err),
              0);
    CHECK_INT(cenv_secret_url_child(&url, dir, CENV_STR("noarch/a.json"), &err), 0);
    check_url(url, "https://h/c/noarch/a.json",
              "https://u:p@h/t/tk-1/c/noarch/a.json?sig=x");
    cenv_secret_url_free(dir);
}

static void test_secret_url__join_lends_to_its_origin_only(void)
{
    static const struct {
        const char *ref, *text, *request;
    } cases[] = {
        {"shards/", "https://h/c/shards", "https://u:p@h/t/tk-1/c/shards?s=1"},
        {"/shards", "https://h/shards", "https://u:p@h/shards?s=1"},
        {"https://h/x", "https://h/x", "https://u:p@h/x?s=1"},
        {"https://H:443/x", "https://h/x", "https://u:p@h/x?s=1"},
        {"https://v:q@h/x?t=2", "https://h/x", "https://v:q@h/x?t=2"},
        {"https://h:8443/x", "https://h:8443/x", "https://h:8443/x"},
        {"http://h/x", "http://h/x", "http://h/x"},
        {"https://i/x", "https://i/x", "https://i/x"},
        {"//i/x", "https://i/x", "https://i/x"},
        {"https://h.evil/x", "https://h.evil/x", "https://h.evil/x"},
    };
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *dir = NULL, *url = NULL;

    CHECK_INT(cenv_secret_url_new(&dir, CENV_STR("https://u:p@h/t/tk-1/c?s=1"), &err),
              0);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].ref);
        if (CHECK_INT(cenv_secret_url_join(&url, dir, cenv_str(cases[i].ref), &err), 0))
            check_url(url, cases[i].text, cases[i].request);
    }
    CHECK_INT(cenv_secret_url_join(&url, dir, CENV_STR("https://v:a/b@h/x"), &err),
              CENV_ECHANNEL);
    cenv_error_release(&err);
    cenv_secret_url_free(dir);
}

static void test_secret_url__runs_out_of_memory_cleanly(void)
{
    size_t before = cenv_alloc_live();

    for (unsigned long nth = 1;; nth++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_secret_url *dir = NULL, *url = NULL;
        cenv_alloc_fail_nth(nth);
        int rc =
            cenv_secret_url_new(&dir, CENV_STR("https://u:p@h/t/tk-1/c?s=1"), &err);
        if (rc == 0)
            rc = cenv_secret_url_join(&url, dir, CENV_STR("x/y"), &err);
        cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        cenv_secret_url_free(dir);
        cenv_secret_url_free(url);
        cenv_error_release(&err);
        if (!CHECK_INT(cenv_alloc_live(), before) || rc == 0)
            break;
    }
}

static void test_secret_url__moves_with_its_secrets(void)
{
    static const struct {
        const char *url, *host, *text, *request;
    } cases[] = {
        {"oci://u:p@h:5000/a/b", NULL, "https://h:5000/v2/a/b",
         "https://u:p@h:5000/v2/a/b"},
        {"oci://h", NULL, "https://h/v2", "https://h/v2"},
        {"oci://h:443/a?x=y", "other", "https://other/v2/a", "https://other/v2/a?x=y"},
    };
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = NULL, *moved = NULL;

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].url);
        CHECK_INT(cenv_secret_url_new(&url, cenv_str(cases[i].url), &err), 0);
        CHECK_INT(cenv_secret_url_move(&moved, url, "https", cases[i].host, "v2", &err),
                  0);
        CHECK_INT(cenv_secret_url_has_secrets(url), i != 1);
        check_url(moved, cases[i].text, cases[i].request);
        cenv_secret_url_free(url);
    }
    CHECK_INT(cenv_alloc_live(), 0);
}

int main(void)
{
    RUN(test_secret_url__text_has_no_secrets);
    RUN(test_secret_url__refuses_without_showing);
    RUN(test_secret_url__child_keeps_secrets);
    RUN(test_secret_url__join_lends_to_its_origin_only);
    RUN(test_secret_url__runs_out_of_memory_cleanly);
    RUN(test_secret_url__moves_with_its_secrets);
    return check_report();
}
