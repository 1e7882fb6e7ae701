/* SPDX-License-Identifier: BSD-3-Clause */
/* net/http against a server of ours, that says what a table tells it to. */
#include "net/http.h"

#include "check.h"
#include "http_script.h"
#include "scratch.h"

/* ---- a run of one transfer ---- */

struct scene {
    struct server server;
    struct scratch dir;
    struct cenv_http_options options;
    struct cenv_http *http;
    struct cenv_secret_url *url;
    struct cenv_http_transfer transfer;
    struct cenv_buf body;
    struct cenv_task task;
    struct cenv_error err;
};

static void open_scene(struct scene *e)
{
    char url[64];
    start_server(&e->server);
    e->dir = scratch_open();
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/a/b", e->server.port);
    cenv_task_init(&e->task, NULL, NULL);
    cenv_buf_init(&e->body, 1 << 20);
    CHECK_INT(cenv_secret_url_new(&e->url, cenv_str(url), &e->err), 0);
    CHECK_INT(cenv_http_open(&e->http, &e->options, &e->err), 0);
    e->transfer.url = e->url;
    e->transfer.body = &e->body;
}

static int run(struct scene *e)
{
    struct cenv_http_transfer *const all[] = {&e->transfer};
    return cenv_http_run(e->http, all, 1, 1, NULL, NULL, &e->task, &e->err);
}

static void close_scene(struct scene *e)
{
    stop_server(&e->server);
    cenv_http_free(e->http);
    cenv_secret_url_free(e->url);
    cenv_error_release(&e->transfer.err);
    cenv_error_release(&e->err);
    cenv_buf_release(&e->body);
    cenv_task_release(&e->task);
    scratch_close(&e->dir);
}

/* The body goes to the file "new" of the scene's directory. */
static void receive_into_file(struct scene *e)
{
    e->transfer.body = NULL;
    e->transfer.dir = e->dir.fd;
    e->transfer.file = "new";
}

static const char *body_of(struct scene *e)
{
    cenv_buf_putc(&e->body, '\0');
    return e->body.data;
}

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define AWAY     "HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n"

/* ---- tests ---- */

static void test_http__gives_the_reply_and_what_it_tells(void)
{
    struct scene e = {
        .server.replies = {"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nCache-Control: "
                           "max-age=60\r\nContent-Length: 5\r\n\r\nhello"},
        .transfer = {.etag = "\"v0\"", .modified = "yesterday"}};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, 0);
    CHECK_INT(e.transfer.reply.status, 200);
    CHECK_STR(e.transfer.reply.etag, "\"v1\"");
    CHECK_INT(e.transfer.reply.max_age, 60);
    CHECK_INT(e.transfer.reply.received, 5);
    CHECK_INT(e.task.done, 5);
    CHECK(e.transfer.reply.reached);
    CHECK_STR(body_of(&e), "hello");
    CHECK(strstr(e.server.requests[0], "GET /a/b HTTP/1.1\r\n") != NULL);
    CHECK(strstr(e.server.requests[0], "If-None-Match: \"v0\"\r\n") != NULL);
    CHECK(strstr(e.server.requests[0], "If-Modified-Since: yesterday\r\n") != NULL);
    close_scene(&e);
}

static void test_http__takes_any_status_and_drops_its_body(void)
{
    struct scene e = {
        .server.replies = {"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone"}};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, 0);
    CHECK_INT(e.transfer.reply.status, 404);
    CHECK_INT(e.body.len, 0);
    close_scene(&e);
}

static void test_http__tries_again_what_may_pass(void)
{
    struct scene e = {.server.replies = {AWAY, "", OK_HELLO}};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, 0);
    CHECK_INT(e.transfer.reply.status, 200);
    CHECK_INT(e.transfer.reply.tries, 3);
    CHECK_STR(body_of(&e), "hello");
    close_scene(&e);
}

static void test_http__tries_as_often_as_the_options_say(void)
{
    struct scene e = {.server.replies = {AWAY, AWAY, OK_HELLO}, .options.tries = 2};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.reply.status, 503);
    CHECK_INT(e.transfer.reply.tries, 2);
    CHECK_INT(e.server.nr_requests, 2);
    close_scene(&e);
}

/* A body that breaks off is gone on with in the file, if it still is the same. */
static void test_http__goes_on_with_a_body_that_broke_off(void)
{
    struct scene e = {
        .server.replies = {
            "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\nhello",
            "HTTP/1.1 206 Part\r\nETag: \"v1\"\r\nContent-Range: bytes "
            "5-9/10\r\nContent-Length: 5\r\n\r\nworld"}};
    open_scene(&e);
    receive_into_file(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, 0);
    CHECK_INT(e.transfer.reply.status, 200);
    CHECK_INT(e.transfer.reply.received, 10);
    CHECK_STR(scratch_text(&e.dir, "new"), "helloworld");
    CHECK(strstr(e.server.requests[1], "Range: bytes=5-\r\n") != NULL);
    CHECK(strstr(e.server.requests[1], "If-Range: \"v1\"\r\n") != NULL);
    close_scene(&e);
}

static void test_http__starts_over_when_the_version_is_another(void)
{
    struct scene e = {
        .server.replies = {
            "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew"}};
    open_scene(&e);
    receive_into_file(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, 0);
    CHECK_STR(scratch_text(&e.dir, "new"), "new");
    CHECK_INT(e.task.done, 3);
    close_scene(&e);
}

static void test_http__takes_no_more_than_it_may(void)
{
    struct scene e = {.server.replies = {OK_HELLO, OK_HELLO}, .transfer.max_size = 4};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, CENV_EINTEGRITY);
    CHECK_STR(e.transfer.err.message, "the server sends more than 4 bytes");
    CHECK_INT(e.transfer.reply.tries, 1);
    close_scene(&e);
}

/* What is told is enough: nobody waits for it. */
static void test_http__waits_for_no_body_that_is_too_long(void)
{
    static const struct {
        const char *reply;
        uint64_t part;
        bool head;
        int rc;
        const char *message;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\n", 0, false,
         CENV_EINTEGRITY, "more than 9 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", 0, false,
         CENV_EINTEGRITY, "more than 9 bytes"},
        {"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n",
         4, false, CENV_EINTEGRITY, "more than 4 bytes"},
        {"HTTP/1.1 404 No\r\nContent-Length: 4611686018427387904\r\n\r\n", 0, false, 0,
         ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 0, true, 0, ""},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].reply);
        struct scene e = {.server.replies = {cases[i].reply, OK_HELLO},
                          .transfer.max_size = 9,
                          .transfer.part = cases[i].part};
        if (cases[i].head)
            e.transfer.method = CENV_HTTP_HEAD;
        open_scene(&e);
        CHECK_INT(run(&e), 0);
        CHECK_INT(e.transfer.rc, cases[i].rc);
        CHECK(strstr(e.transfer.err.message, cases[i].message));
        CHECK_INT(e.transfer.reply.tries, 1);
        CHECK_INT(e.server.nr_requests, 1);
        close_scene(&e);
    }
}

/* Many lines, and one that libcurl itself has no room for. */
static void test_http__takes_no_headers_without_end(void)
{
    enum { SIZE = 400 << 10, LINE = 1000 };
    char *reply = malloc(SIZE + 1);

    for (int i = 0; reply && i < 2; i++) {
        memset(reply, 'x', SIZE);
        memcpy(reply, "HTTP/1.1 200 OK\r\nX: ", 20);
        for (size_t at = LINE; i == 0 && at + 4 < SIZE; at += LINE)
            memcpy(reply + at, "\r\nX:", 4);
        memcpy(reply + SIZE - 4, "\r\n\r\n", 5);
        struct scene e = {.server.replies = {reply}, .options.tries = 1};
        open_scene(&e);
        CHECK_INT(run(&e), 0);
        CHECK_INT(e.transfer.rc, CENV_ECHANNEL);
        CHECK(strstr(e.transfer.err.message, "headers are too long"));
        CHECK_STR(e.transfer.err.hint, "check the URL");
        close_scene(&e);
    }
    free(reply);
}

static void test_http__follows_redirects_but_not_to_files(void)
{
    struct scene e = {.server.replies = {"HTTP/1.1 302 There\r\nLocation: "
                                         "/c\r\nContent-Length: 0\r\n\r\n",
                                         OK_HELLO}};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_STR(body_of(&e), "hello");
    CHECK(strstr(e.server.requests[1], "GET /c ") != NULL);
    close_scene(&e);

    struct scene f = {.server.replies = {"HTTP/1.1 302 There\r\nLocation: "
                                         "file:///etc/passwd\r\n\r\n"}};
    open_scene(&f);
    CHECK_INT(run(&f), 0);
    CHECK_INT(f.transfer.rc, CENV_ECHANNEL);
    CHECK_INT(f.body.len, 0);
    close_scene(&f);
}

static void test_http__says_that_nobody_answers(void)
{
    struct scene e = {.options.tries = 1};
    open_scene(&e);
    stop_server(&e.server);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, CENV_ECHANNEL);
    CHECK(!e.transfer.reply.reached);
    CHECK_STR(e.transfer.err.hint, "check the address and the network");
    cenv_error_release(&e.transfer.err);
    e.transfer.rc = 0;
    e.options.way_out = "do without";
    CHECK_INT(run(&e), 0);
    CHECK_STR(e.transfer.err.hint, "check the address and the network, or do without");
    start_server(&e.server);
    close_scene(&e);
}

static int cancel(void *ctx)
{
    (void)ctx;
    return 1;
}

/* It waits for a reply that never comes: the listener takes the connection, nobody reads. */
static void test_http__ends_when_the_task_is_cancelled(void)
{
    struct scene e = {.options.tries = 1};
    open_scene(&e);
    cenv_task_release(&e.task);
    cenv_task_init(&e.task, cancel, NULL);
    CHECK_INT(run(&e), CENV_ECANCELLED);
    close_scene(&e);
}

static int refuse_reply(void *ctx, struct cenv_http_transfer *transfer,
                        struct cenv_error *err)
{
    (*(unsigned *)ctx)++;
    return cenv_error_set(err, CENV_EFAIL, "status %ld", transfer->reply.status);
}

static void test_http__ends_when_a_finished_transfer_is_refused(void)
{
    struct scene e = {.server.replies = {OK_HELLO, OK_HELLO}};
    unsigned nr_done = 0;
    open_scene(&e);
    struct cenv_http_transfer second = {.url = e.url, .body = &e.body};
    struct cenv_http_transfer *const all[] = {&e.transfer, &second};
    CHECK_INT(cenv_http_run(e.http, all, 2, 1, refuse_reply, &nr_done, &e.task, &e.err),
              CENV_EFAIL);
    CHECK_STR(e.err.message, "status 200");
    CHECK_INT(nr_done, 1);
    CHECK_INT(second.reply.tries, 0);
    close_scene(&e);
}

static void test_http__asks_for_the_head_alone(void)
{
    char length[16] = "old", other[4] = "old";
    struct cenv_http_wanted wanted[] = {{"Content-Length", length, sizeof(length)},
                                        {"Server", other, sizeof(other)}};
    static const char *const headers[] = {"Accept: a/b", "Authorization: Bearer x",
                                          NULL};
    struct scene e = {.server.replies = {"HTTP/1.1 200 OK\r\nServer: long\r\n"
                                         "Content-Length: 7\r\n\r\n"},
                      .transfer = {.method = CENV_HTTP_HEAD,
                                   .headers = headers,
                                   .wanted = wanted,
                                   .nr_wanted = 2}};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.reply.status, 200);
    CHECK(strstr(e.server.requests[0], "HEAD /a/b ") == e.server.requests[0]);
    CHECK(strstr(e.server.requests[0], "Accept: a/b\r\n") != NULL);
    CHECK(strstr(e.server.requests[0], "Authorization: Bearer x\r\n") != NULL);
    CHECK_STR(length, "7");
    CHECK_STR(other, "");
    close_scene(&e);
}

/* A reply that may pass makes all be sent again, a redirect nothing. */
static void test_http__sends_a_file_whole(void)
{
    struct scene e = {.server.replies = {AWAY, "HTTP/1.1 201 Made\r\n\r\n"}};
    open_scene(&e);
    scratch_file(&e.dir, "sent", "hello world", 0600);
    int fd = openat(e.dir.fd, "sent", O_RDONLY | O_CLOEXEC);
    struct cenv_http_upload upload = {.fd = fd, .size = 5};
    e.transfer.method = CENV_HTTP_PUT;
    e.transfer.upload = &upload;
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.rc, 0);
    CHECK_INT(e.transfer.reply.status, 201);
    CHECK_INT(e.transfer.reply.tries, 2);
    for (int i = 0; i < 2; i++)
        CHECK(strstr(e.server.requests[i], "\r\n\r\nhello") != NULL);
    CHECK_INT(e.task.done, 5);
    close_scene(&e);
    close(fd);
}

static void test_http__sends_nothing_to_another_place(void)
{
    struct scene e = {.server.replies = {"HTTP/1.1 307 There\r\nLocation: /c\r\n"
                                         "Content-Length: 0\r\n\r\n",
                                         OK_HELLO}};
    struct cenv_http_upload upload = {.data = "hello", .size = 5};
    open_scene(&e);
    e.transfer.method = CENV_HTTP_POST;
    e.transfer.upload = &upload;
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.reply.status, 307);
    CHECK_INT(e.server.nr_requests, 1);
    CHECK(strstr(e.server.requests[0], "POST /a/b ") == e.server.requests[0]);
    close_scene(&e);
}

static void test_http__says_that_the_file_sent_is_cut_short(void)
{
    struct scene e = {.server.replies = {OK_HELLO}, .options.tries = 1};
    open_scene(&e);
    scratch_file(&e.dir, "sent", "hell", 0600);
    int fd = openat(e.dir.fd, "sent", O_RDONLY | O_CLOEXEC);
    struct cenv_http_upload upload = {.fd = fd, .size = 5};
    e.transfer.method = CENV_HTTP_PUT;
    e.transfer.upload = &upload;
    CHECK_INT(run(&e), 0);
    CHECK(e.transfer.rc < 0);
    close_scene(&e);
    close(fd);
}

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void test_http__checks_the_digest_while_it_comes(void)
{
    static const struct {
        const char *first, *second;
        int rc;
    } cases[] = {
        {OK_HELLO, NULL, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo", NULL, CENV_EINTEGRITY},
        /* gone on with; begun again */
        {"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nhe",
         "HTTP/1.1 206 Part\r\nETag: \"1\"\r\nContent-Range: bytes 2-4/5\r\n"
         "Content-Length: 3\r\n\r\nllo",
         0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", OK_HELLO, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scene e = {.server.replies = {cases[i].first, cases[i].second},
                          .transfer.sha256 = HELLO};
        check_case(cases[i].first);
        open_scene(&e);
        receive_into_file(&e);
        CHECK_INT(run(&e), 0);
        CHECK_INT(e.transfer.rc, cases[i].rc);
        close_scene(&e);
    }
}

static void test_http__gives_a_part(void)
{
    static const struct {
        const char *reply, *body;
        int rc, status;
    } cases[] = {
        {"HTTP/1.1 206 Part\r\nContent-Range: bytes 3-4/9\r\nContent-Length: 2\r\n\r\nlo",
         "lo", 0, 206},
        {OK_HELLO, "", 0, 200},
        {"HTTP/1.1 206 Part\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nhe",
         "", CENV_ECHANNEL, 206},
        {"HTTP/1.1 206 Part\r\nContent-Range: bytes 3-9/9\r\nContent-Length: 3\r\n\r\nlo ",
         "", CENV_EINTEGRITY, 206},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scene e = {.server.replies = {cases[i].reply},
                          .transfer = {.part = 2, .first = 3}};
        check_case(cases[i].reply);
        open_scene(&e);
        CHECK_INT(run(&e), 0);
        CHECK_INT(e.transfer.rc, cases[i].rc);
        CHECK_INT(e.transfer.reply.status, cases[i].status);
        CHECK_STR(body_of(&e), cases[i].body);
        CHECK(strstr(e.server.requests[0], "Range: bytes=3-4\r\n") != NULL);
        close_scene(&e);
    }
}

static void test_http__keeps_what_explains_a_refusal(void)
{
    struct scene e = {
        .server.replies = {"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nforbidden"}};
    struct cenv_buf refusal;
    cenv_buf_init(&refusal, 6);
    e.transfer.refusal = &refusal;
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_STR(refusal.data, "forbid");
    CHECK_INT(e.body.len, 0);
    cenv_buf_release(&refusal);
    close_scene(&e);
}

/* A body that nobody wants may go on for ever: the reply is taken without it. */
static void test_http__cuts_off_what_nobody_wants(void)
{
    static const char *const heads[] = {
        "HTTP/1.1 404 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    };
    enum { SIZE = 2 << 20 };
    char *reply = malloc(SIZE + 1);

    for (size_t i = 0; reply && i < CHECK_NR(heads); i++) {
        check_case(heads[i]);
        memset(reply, 'x', SIZE);
        reply[SIZE] = '\0';
        memcpy(reply, heads[i], strlen(heads[i]));
        struct scene e = {.server.replies = {reply}};
        open_scene(&e);
        if (i == 1)
            e.transfer.method = CENV_HTTP_PUT;
        e.transfer.body = NULL;
        CHECK_INT(run(&e), 0);
        CHECK_INT(e.transfer.rc, 0);
        CHECK_INT(e.transfer.reply.status, i ? 200 : 404);
        CHECK_INT(e.transfer.reply.tries, 1);
        CHECK_INT(e.task.done, 0);
        close_scene(&e);
    }
    free(reply);
}

/* What asks to wait for longer than the patience lasts is over at once. */
static void test_http__waits_no_longer_than_its_patience(void)
{
    struct scene e = {.server.replies = {"HTTP/1.1 429 Wait\r\nRetry-After: 9\r\n"
                                         "Content-Length: 0\r\n\r\n",
                                         OK_HELLO},
                      .options.patience_ms = 5000};
    open_scene(&e);
    CHECK_INT(run(&e), 0);
    CHECK_INT(e.transfer.reply.status, 429);
    CHECK_INT(e.server.nr_requests, 1);
    close_scene(&e);

    struct scene f = {.options.patience_ms = 50}; /* the reply never comes */
    open_scene(&f);
    f.transfer.limit_ms = 50;
    CHECK_INT(run(&f), 0);
    CHECK_INT(f.transfer.rc, CENV_ECHANNEL);
    CHECK(f.transfer.reply.timed_out);
    CHECK_INT(f.transfer.reply.tries, 1);
    close_scene(&f);
}

int main(void)
{
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < CHECK_NR(proxies); i++)
        unsetenv(proxies[i]);
    RUN(test_http__gives_the_reply_and_what_it_tells);
    RUN(test_http__takes_any_status_and_drops_its_body);
    RUN(test_http__tries_again_what_may_pass);
    RUN(test_http__tries_as_often_as_the_options_say);
    RUN(test_http__goes_on_with_a_body_that_broke_off);
    RUN(test_http__starts_over_when_the_version_is_another);
    RUN(test_http__takes_no_more_than_it_may);
    RUN(test_http__waits_for_no_body_that_is_too_long);
    RUN(test_http__takes_no_headers_without_end);
    RUN(test_http__follows_redirects_but_not_to_files);
    RUN(test_http__says_that_nobody_answers);
    RUN(test_http__ends_when_the_task_is_cancelled);
    RUN(test_http__ends_when_a_finished_transfer_is_refused);
    RUN(test_http__asks_for_the_head_alone);
    RUN(test_http__sends_a_file_whole);
    RUN(test_http__sends_nothing_to_another_place);
    RUN(test_http__says_that_the_file_sent_is_cut_short);
    RUN(test_http__checks_the_digest_while_it_comes);
    RUN(test_http__gives_a_part);
    RUN(test_http__keeps_what_explains_a_refusal);
    RUN(test_http__cuts_off_what_nobody_wants);
    RUN(test_http__waits_no_longer_than_its_patience);
    return check_report();
}
