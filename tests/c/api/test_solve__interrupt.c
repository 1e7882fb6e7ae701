/* SPDX-License-Identifier: BSD-3-Clause */
/* A solve stops when it is asked to, wherever it is: while scanning, loading, matching, searching, explaining. */
#include "universe.h"

enum { VARIABLES = 420, CLAUSES = 1790 };

static unsigned state = 20260822;

static unsigned draw(unsigned below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static void add_record(struct cenv_buf *text, const char *name, unsigned version,
                       const char *depends)
{
    cenv_buf_addf(text,
                  "%s\"%s-%u-0.conda\":{\"name\":\"%s\",\"version\":\"%u\",\"build\":"
                  "\"0\",\"build_number\":0,\"depends\":[%s]}",
                  text->data[text->len - 1] == '{' ? "" : ",", name, version, name,
                  version, depends);
}

/*
 * Random 3-SAT where it is hardest: a variable is a name of two versions, a clause a name of three,
 * each of which needs one literal; "all" needs every clause.
 */
static struct cenv_buf hard_universe(void)
{
    struct cenv_buf text, all;
    char name[16], depends[32];

    cenv_buf_init(&text, 1 << 24);
    cenv_buf_init(&all, 1 << 20);
    cenv_buf_puts(&text, "{\"packages.conda\":{");
    for (unsigned v = 0; v < VARIABLES; v++)
        for (unsigned version = 1; version <= 2; version++) {
            snprintf(name, sizeof(name), "v%u", v);
            add_record(&text, name, version, "");
        }
    for (unsigned c = 0; c < CLAUSES; c++) {
        snprintf(name, sizeof(name), "c%u", c);
        cenv_buf_addf(&all, "%s\"%s\"", c ? "," : "", name);
        for (unsigned version = 1; version <= 3; version++) {
            snprintf(depends, sizeof(depends), "\"v%u ==%u\"", draw(VARIABLES),
                     1 + draw(2));
            add_record(&text, name, version, depends);
        }
    }
    add_record(&text, "all", 1, all.data);
    cenv_buf_puts(&text, "}}");
    cenv_buf_release(&all);
    return text;
}

/* Cancels at one of the polls; with `eager` at every look at the task, not just every 20 ms. */
struct poller {
    struct cenv_task task;
    long polls, cancel_at;
    bool eager;
};

static int poll(void *ctx)
{
    struct poller *p = ctx;

    if (p->eager)
        p->task.next_poll_ns = 0;
    return ++p->polls == p->cancel_at;
}

static int solve(struct poller *p, const struct cenv_index *index, const char *request)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf reply;
    int rc;

    p->polls = 0;
    cenv_buf_init(&reply, 1 << 26);
    cenv_task_init(&p->task, poll, p);
    rc = cenv_solve(index, request, &p->task, &reply, &err);
    CHECK_INT(rc == 0 ? 0 : err.status, rc);
    CHECK_INT(rc == 0, reply.len > 0);
    cenv_task_release(&p->task);
    cenv_error_release(&err);
    cenv_buf_release(&reply);
    return rc;
}

static void test_solve__stops_a_hard_search(void)
{
    struct cenv_buf text = hard_universe();
    struct universe u = {.nr = 0};
    struct poller p = {.cancel_at = 4};

    universe_add(&u, "c", "noarch", NULL, text.data, text.len);
    struct cenv_index *index = universe_open(&u);
    CHECK_INT(solve(&p, index, "{\"specs\":[\"all\"]}"), CENV_ECANCELLED);
    CHECK_INT(p.polls, 4); /* the first poll that says so is the last */
    cenv_index_free(index);
    cenv_buf_release(&text);
}

static const char small[] =
    "{\"packages.conda\":{"
    "\"a-1-0.conda\":{\"name\":\"a\",\"version\":\"1\",\"build\":\"0\","
    "\"build_number\":0,\"depends\":[\"b >=2\",\"c\"]},"
    "\"b-1-0.conda\":{\"name\":\"b\",\"version\":\"1\",\"build\":\"0\","
    "\"build_number\":0,\"depends\":[]},"
    "\"b-2-0.conda\":{\"name\":\"b\",\"version\":\"2\",\"build\":\"0\","
    "\"build_number\":0,\"depends\":[\"c >=2\"]},"
    "\"c-1-0.conda\":{\"name\":\"c\",\"version\":\"1\",\"build\":\"0\","
    "\"build_number\":0,\"depends\":[]},"
    "\"c-2-0.conda\":{\"name\":\"c\",\"version\":\"2\",\"build\":\"0\","
    "\"build_number\":0,\"depends\":[]}}}";

/* Cancels at the first look, the second, and so on, until a solve is through. */
static void stop_everywhere(const char *request, int end)
{
    struct universe u = {.nr = 0};
    struct poller p = {.cancel_at = 0, .eager = true};
    long looks = 0;
    int rc = CENV_ECANCELLED;

    universe_add(&u, "c", "noarch", NULL, small, sizeof(small) - 1);
    for (; rc == CENV_ECANCELLED && looks < 10000; looks++) {
        struct cenv_index *index = universe_open(&u);
        p.cancel_at = looks + 1;
        rc = solve(&p, index, request);
        CHECK_INT(p.polls, rc == CENV_ECANCELLED ? p.cancel_at : looks);
        cenv_index_free(index);
    }
    CHECK_INT(rc, end);
    CHECK(looks > 5);
}

static void test_solve__stops_anywhere(void)
{
    stop_everywhere("{\"specs\":[\"a\"]}", 0);
    stop_everywhere("{\"specs\":[\"a\",\"b =1\"]}", CENV_EUNSAT);
}

static void test_solve__stops_a_scan(void)
{
    struct cenv_index *index = NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct poller p = {.eager = true};
    struct cenv_buf text;
    struct universe u = {.nr = 0};

    cenv_buf_init(&text, 1 << 24);
    cenv_buf_puts(&text, "{\"packages.conda\":{");
    for (int i = 0; i < 15000; i++)
        cenv_buf_addf(&text, "%s\"p-%d-0.conda\":{\"x\":\"%0900d\"}", i ? "," : "", i,
                      i);
    cenv_buf_puts(&text, "}}");
    universe_add(&u, "c", "noarch", NULL, text.data, text.len);
    for (p.cancel_at = 0; p.cancel_at < 4; p.cancel_at++) {
        p.polls = 0;
        cenv_task_init(&p.task, poll, &p);
        int rc = cenv_index_open(&index, u.sources, 1, NULL, &p.task, &err);
        CHECK_INT(rc, p.cancel_at ? CENV_ECANCELLED : 0);
        CHECK(p.cancel_at ? p.polls == p.cancel_at : p.polls >= 3);
        if (rc == 0)
            cenv_index_free(index);
        cenv_error_release(&err);
        cenv_task_release(&p.task);
    }
    cenv_buf_release(&text);
}

int main(void)
{
    RUN(test_solve__stops_a_hard_search);
    RUN(test_solve__stops_anywhere);
    RUN(test_solve__stops_a_scan);
    return check_report();
}
