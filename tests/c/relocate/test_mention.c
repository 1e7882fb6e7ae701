/* SPDX-License-Identifier: BSD-3-Clause */
/* A path in every spelling, at its place and with its length; any bytes in linear time. */
#include "relocate/mention.h"

#include "base/alloc.h"
#include "relocate.h"

static void test_mention__spellings(void)
{
    static const char path[] = "/t/jos\xc3\xa9 & 'x'/e";
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"plain", "/t/jos\xc3\xa9 & 'x'/e"},
        {"JSON", "\\/t\\/jos\\u00e9 & 'x'\\/e"},
        {"JSON in JSON", "\\\\/t\\\\/jos\\\\u00e9 & 'x'\\\\/e"},
        {"URL", "/t/jos%C3%A9%20%26%20%27x%27/e"},
        {"URL, all", "%2ft%2fjos%c3%a9%20%26%20%27x%27%2fe"},
        {"URL, twice", "/t/jos%25C3%25A9%2520%2526%2520%2527x%2527/e"},
        {"XML", "/t/jos\xc3\xa9 &amp; &apos;x&apos;/e"},
        {"XML, numbers", "&#47;t&#x2f;jos&#233; &#38; &#39;x&#39;/e"},
        {"words", "/t/jos\xc3\xa9\\ \\&\\ \\'x\\'/e"},
        {"C", "/t/jos\\303\\251 & 'x'/e"},
        {"C, hex", "/t/jos\\xc3\\xa9\\x20& 'x'/e"},
        {"Python", "/t/jos\\xe9 & \\'x\\'/e"},
        {"single quotes", "/t/jos\xc3\xa9 & '\\''x'\\''/e"},
        {"shlex.quote", "/t/jos\xc3\xa9 & '\"'\"'x'\"'\"'/e"},
        {"YAML", "/t/jos\xc3\xa9 & ''x''/e"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_mention_search search;
        struct cenv_error err = CENV_ERROR_INIT;
        char text[512];
        int len = snprintf(text, sizeof(text), "/t/x %s/bin /t/jos", cases[i].text);
        check_case(cases[i].name);
        cenv_mention_init(&search, cenv_str_n(text, (size_t)len), cenv_str(path));
        if (CHECK_INT(cenv_mention_next(&search, &idle, &err), 1)) {
            CHECK_INT(search.pos - search.len, 5);
            CHECK_INT(search.len, strlen(cases[i].text));
        }
        CHECK_INT(cenv_mention_next(&search, &idle, &err), 0);
    }
}

static void test_mention__others_are_none(void)
{
    static const char *const texts[] = {"",          "/",         "/tmp/en",
                                        "tmp/env",   "/tmp//env", "\\tmp\\env",
                                        "/tmp/\\x6", "/tmp/%65n", "/TMP/ENV"};
    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        struct cenv_mention_search search;
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(texts[i]);
        cenv_mention_init(&search, cenv_str(texts[i]), CENV_STR("/tmp/env"));
        CHECK_INT(cenv_mention_next(&search, &idle, &err), 0);
    }
}

/* Beginnings of the path over and over, and what falls back within it. */
static void test_mention__falls_back_as_it_must(void)
{
    struct cenv_mention_search search;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_str text = CENV_STR("/a/a/b/a/a/a/b/a/a/b/a/c");
    cenv_mention_init(&search, text, CENV_STR("/a/a/b/a/c"));
    if (CHECK_INT(cenv_mention_next(&search, &idle, &err), 1))
        CHECK_INT(search.pos - search.len, text.len - 10);
    char *data = cenv_malloc(8 << 20);
    if (!CHECK(data))
        return;
    for (size_t i = 0; i < 8 << 20; i++)
        data[i] = "/a"[i % 2];
    cenv_mention_init(&search, cenv_str_n(data, 8 << 20), CENV_STR("/a/a/b/a/c"));
    CHECK_INT(cenv_mention_next(&search, &idle, &err), 0);
    memset(data, '\\', 8 << 20);
    cenv_mention_init(&search, cenv_str_n(data, 8 << 20), CENV_STR("/a/a/b/a/c"));
    CHECK_INT(cenv_mention_next(&search, &idle, &err), 0);
    cenv_free(data);
}

static int cancel(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_mention__interrupted(void)
{
    struct cenv_mention_search search;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    char *data = cenv_calloc(1, 4 << 20);
    cenv_task_init(&task, cancel, NULL);
    if (CHECK(data)) {
        cenv_mention_init(&search, cenv_str_n(data, 4 << 20), CENV_STR("/a"));
        CHECK_INT(cenv_mention_next(&search, &task, &err), CENV_ECANCELLED);
    }
    cenv_free(data);
    cenv_error_release(&err);
    cenv_task_release(&task);
}

int main(void)
{
    RUN(test_mention__spellings);
    RUN(test_mention__others_are_none);
    RUN(test_mention__falls_back_as_it_must);
    RUN(test_mention__interrupted);
    return check_report();
}
