/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/objects and remote/web by http: what a server of GET, HEAD and PUT is asked and believed. */
#include "remote_scene.h"

#define NO_HEAD "HTTP/1.1 405 No\r\n\r\n"
#define BASE    "http://user:secret@127.0.0.1:%u/base"

static void test_objects__find_takes_a_document_or_none(void)
{
    SCRIPT(OK("7", "{\"a\":1}"), NONE);
    open_remote(BASE);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 1);
    CHECK_STR(document.data, "{\"a\":1}");
    CHECK(request_has(0, "GET /base/ac/" KEY " HTTP/1.1\r\n"));
    CHECK(request_has(0, "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    close_remote();
}

static void test_objects__refusals_are_told(void)
{
    static const struct {
        const char *reply, *message, *hint;
    } cases[] = {
        {"HTTP/1.1 401 No\r\n", "it wants a login (HTTP 401)", "not know this login"},
        {"HTTP/1.1 403 No\r\n", "access is refused (HTTP 403)", "may not do that"},
        {"HTTP/1.1 400 No\r\n", "refuses (HTTP 400)", "--disable_http_ac_validation"},
        {"HTTP/1.1 405 No\r\n", "it is read-only (HTTP 405)", "check the URL"},
        {"HTTP/1.1 412 No\r\n", "something else is in its place (HTTP 412)", "URL"},
        {"HTTP/1.1 413 No\r\n", "it is too large for the server (HTTP 413)", "limit"},
        {"HTTP/1.1 429 No\r\nRetry-After: 60\r\n", "too many requests (HTTP 429)",
         "later"},
        {"HTTP/1.1 503 No\r\nRetry-After: 60\r\n", "the server fails (HTTP 503)",
         "later"},
        {"HTTP/1.1 507 No\r\n", "the server has no room left (HTTP 507)", "room"},
        {"HTTP/1.1 302 No\r\nLocation: /x\r\n", "sends it elsewhere (HTTP 302)", "URL"},
        {"HTTP/1.1 418 No\r\n", "the server refuses (HTTP 418)", "later"},
    };
    char reply[200];

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].message);
        snprintf(reply, sizeof(reply), "%sContent-Length: 0\r\n\r\n", cases[i].reply);
        SCRIPT(reply);
        open_remote(BASE);
        CHECK_INT(cenv_remote_put(remote, KEY, CENV_STR("{}"), NULL, 0, &task, &err),
                  CENV_EREMOTE);
        CHECK(strstr(err.message, "cannot write ac/" KEY));
        CHECK(strstr(err.message, cases[i].message));
        CHECK(strstr(err.hint, cases[i].hint));
        CHECK(!strstr(err.message, "secret"));
        CHECK_INT(server.nr_requests, 1);
        CHECK(request_has(0, "PUT /base/ac/" KEY " HTTP/1.1\r\n"));
        CHECK(request_has(0, "Content-Type: application/json\r\n"));
        CHECK(request_has(0, "\r\n\r\n{}"));
        close_remote();
    }
}

static void test_objects__login_is_advised_where_there_is_none(void)
{
    SCRIPT("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    open_remote("http://127.0.0.1:%u/base");
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
    CHECK(strstr(err.hint, "~/.netrc"));
    close_remote();
}

/* One that does not answer is asked once, and each further call fails for the same reason. */
static void test_objects__silent_server_is_asked_once(void)
{
    char first[CENV_MESSAGE_MAX];

    SCRIPT(NULL);
    options.timeout_ms = 60;
    open_remote(BASE);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
    snprintf(first, sizeof(first), "%s", err.message);
    CHECK(strstr(first, "remote http://127.0.0.1"));
    CHECK(strstr(first, "imed out") && !strstr(first, "secret"));
    cenv_error_release(&err);
    stop_server(&server); /* nobody is there any more, and it does not show */
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
    CHECK_STR(err.message, first);
    cenv_error_release(&err);
    struct cenv_remote_blob a = blob_of("alpha", "a"), b = blob_of("beta", "b");
    struct cenv_remote_blob *both[] = {&a, &b};
    CHECK_INT(cenv_remote_get(remote, both, 2, &task, &err), 0);
    CHECK_INT(a.rc, CENV_EREMOTE);
    CHECK(strstr(b.err.message, "imed out"));
    cenv_error_release(&a.err);
    cenv_error_release(&b.err);
    start_server(&server);
    close_remote();
}

/* A login stays with the server that it is for. */
static void test_objects__login_goes_to_no_other_server(void)
{
    struct server other = {.replies = {OK("2", "{}")}};
    char reply[200];

    start_server(&other);
    snprintf(reply, sizeof(reply),
             "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:%u/x\r\n"
             "Content-Length: 0\r\n\r\n",
             other.port);
    SCRIPT(reply);
    open_remote(BASE);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 1);
    CHECK_INT(other.nr_requests, 1);
    CHECK(strstr(other.requests[0], "GET /x ") == other.requests[0]);
    CHECK(!strstr(other.requests[0], "Authorization"));
    stop_server(&other);
    close_remote();
}

static void test_objects__wrong_blobs_leave_nothing(void)
{
    static const struct {
        const char *reply;
        int rc;
        const char *message;
    } cases[] = {
        {OK("5", "alpha"), 0, ""},
        {NONE, 0, ""},
        {OK("5", "omega"), CENV_EINTEGRITY, "has the SHA-256"},
        {OK("2", "al"), CENV_EINTEGRITY, "has the SHA-256"},
        {OK("50", ""), CENV_EINTEGRITY, "more than 5 bytes"},
        {"HTTP/1.1 200 OK\r\n\r\nalphabet", CENV_EINTEGRITY, "more than 5 bytes"},
        {"HTTP/1.1 500 No\r\nRetry-After: 60\r\nContent-Length: 5\r\n\r\nalpha",
         CENV_EREMOTE, "HTTP 500"},
        {"HTTP/1.1 206 No\r\nContent-Length: 5\r\n\r\nalpha", CENV_EREMOTE, "HTTP 206"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].reply);
        SCRIPT(cases[i].reply);
        open_remote(BASE);
        struct cenv_remote_blob a = blob_of("alpha", "got"), *one[] = {&a};
        CHECK_INT(cenv_remote_get(remote, one, 1, &task, &err), 0);
        CHECK_INT(a.rc, cases[i].rc);
        CHECK(strstr(a.err.message, cases[i].message));
        CHECK_INT(a.there, i == 0);
        CHECK_INT(scratch_has(&s, "got"), i == 0);
        CHECK(request_has(0, "GET /base/cas/"));
        cenv_error_release(&a.err);
        close_remote();
    }
}

/* What is there is not sent, what is there in part is; what is wrong here never. */
static void test_objects__sends_what_is_not_there(void)
{
    static const struct {
        const char *head, *put, *again, *content;
        int rc;
        bool there;
        unsigned requests;
    } cases[] = {
        {OK("5", ""), NULL, NULL, "alpha", 0, true, 1},
        {OK("2", ""), CREATED, OK("5", ""), "alpha", 0, true, 3},
        {NONE, CREATED, OK("5", ""), "alpha", 0, true, 3},
        {NO_HEAD, CREATED, NO_HEAD, "alpha", 0, true, 3},
        {NONE, CREATED, NONE, "alpha", CENV_EREMOTE, false, 3},
        {OK("0", ""), OK("0", ""), OK("0", ""), "alpha", 0, true, 3},
        {NONE, CREATED, OK("4", ""), "alpha", CENV_EREMOTE, false, 3},
        {NONE, NULL, NULL, "omega", CENV_EINTEGRITY, false, 1},
        {NONE, NULL, NULL, "alphabet", CENV_EINTEGRITY, false, 1},
        {NONE, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", NULL, "alpha",
         CENV_EREMOTE, false, 2},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].head);
        SCRIPT(cases[i].head, cases[i].put, cases[i].again);
        open_remote(BASE);
        struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
        scratch_file(&s, "a", cases[i].content, 0600);
        CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
        CHECK_INT(a.rc, cases[i].rc);
        CHECK_INT(a.there, cases[i].there);
        CHECK_INT(server.nr_requests, cases[i].requests);
        CHECK(request_has(0, "HEAD /base/cas/"));
        if (cases[i].put)
            CHECK(request_has(1, "PUT /base/cas/") && request_has(1, "\r\n\r\nalpha"));
        cenv_error_release(&a.err);
        close_remote();
    }
}

static void test_objects__makes_directories_that_are_missing(void)
{
    SCRIPT(NONE, "HTTP/1.1 409 No\r\nContent-Length: 0\r\n\r\n", CREATED, CREATED,
           CREATED, CREATED, OK("5", ""));
    open_remote(BASE);
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, 0);
    CHECK(a.there);
    CHECK(request_has(2, "MKCOL /base/ "));
    CHECK(request_has(3, "MKCOL /base/ac "));
    CHECK(request_has(4, "MKCOL /base/cas "));
    CHECK(request_has(5, "PUT /base/cas/"));
    close_remote();
}

static void test_objects__part_is_read(void)
{
    SCRIPT("HTTP/1.1 206 Part\r\nContent-Range: bytes 2-3/5\r\n"
           "Content-Length: 2\r\n\r\nph",
           OK("5", "alpha"), NONE);
    open_remote(BASE);
    struct cenv_remote_blob a = blob_of("alpha", "a");
    CHECK_INT(cenv_remote_read_part(remote, &a, 2, 2, &document, &task, &err), 1);
    CHECK_STR(document.data, "ph");
    CHECK(request_has(0, "Range: bytes=2-3\r\n"));
    CHECK_INT(cenv_remote_read_part(remote, &a, 2, 2, &document, &task, &err), 0);
    CHECK_INT(cenv_remote_read_part(remote, &a, 2, 2, &document, &task, &err), 0);
    CHECK_INT(document.len, 2);
    close_remote();
}

static void test_objects__document_is_bounded(void)
{
    SCRIPT(OK("101", "{                        "));
    open_remote(BASE);
    cenv_buf_release(&document);
    cenv_buf_init(&document, 3);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EINTEGRITY);
    CHECK(strstr(err.message, "more than 3 bytes"));
    CHECK_INT(document.len, 0);
    close_remote();
}

static void test_objects__every_failed_allocation_is_clean(void)
{
    SCRIPT(OK("5", "alpha"));
    server.repeats = true;
    open_remote(BASE);
    struct cenv_remote_blob a = blob_of("alpha", "got"), *one[] = {&a};
    for (long n = 1;; n++) {
        cenv_alloc_fail_nth(n);
        cenv_buf_clear(&document);
        int rc = cenv_remote_find(remote, KEY, &document, &task, &err);
        if (rc == 1)
            rc = cenv_remote_get(remote, one, 1, &task, &err);
        if (rc == 0)
            rc = a.rc;
        if (rc == 0)
            rc = cenv_remote_put_blobs(remote, one, 1, &task, &err);
        if (rc == 0)
            rc = cenv_remote_put(remote, KEY, CENV_STR("{}"), one, 1, &task, &err);
        bool unreached = cenv_alloc_fail_nth(0);
        CHECK(unreached ? rc == 0 : rc == 0 || rc == CENV_ENOMEM);
        unlink(scratch_path(&s, "got"));
        cenv_error_release(&a.err);
        cenv_error_release(&err);
        cenv_buf_release(&document);
        cenv_buf_init(&document, 100);
        if (unreached)
            break;
    }
    close_remote();
}

/* S3 refuses what is not there to those that may not list: who pushes goes on. */
static void test_objects__may_push_what_it_may_not_read(void)
{
    static const char *const refusals[] = {
        "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
    };

    for (size_t i = 0; i < 2 * CHECK_NR(refusals); i++) {
        SCRIPT(refusals[i / 2], refusals[i / 2], CREATED, refusals[i / 2]);
        options.pushing = i % 2;
        open_remote(BASE);
        struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
        scratch_file(&s, "a", "alpha", 0600);
        CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err),
                  options.pushing ? 0 : CENV_EREMOTE);
        cenv_error_release(&err);
        CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err),
                  options.pushing ? 0 : CENV_EREMOTE);
        CHECK_INT(a.there, options.pushing);
        close_remote();
    }
}

int main(void)
{
    RUN(test_objects__find_takes_a_document_or_none);
    RUN(test_objects__refusals_are_told);
    RUN(test_objects__login_is_advised_where_there_is_none);
    RUN(test_objects__silent_server_is_asked_once);
    RUN(test_objects__login_goes_to_no_other_server);
    RUN(test_objects__wrong_blobs_leave_nothing);
    RUN(test_objects__sends_what_is_not_there);
    RUN(test_objects__makes_directories_that_are_missing);
    RUN(test_objects__part_is_read);
    RUN(test_objects__document_is_bounded);
    RUN(test_objects__every_failed_allocation_is_clean);
    RUN(test_objects__may_push_what_it_may_not_read);
    return check_report();
}
