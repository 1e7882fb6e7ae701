/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/json_scan: brackets found at speed, members and items, escapes, what is refused. */
#include "codec/json_scan.h"

#include "base/alloc.h"
#include "check.h"

static struct cenv_json_scan scan_of(const char *text)
{
    return (struct cenv_json_scan){text, text + strlen(text), NULL};
}

static void test_json_scan__finds_the_matching_bracket(void)
{
    static const struct {
        const char *text;
        int len; /* up to behind the bracket; -1: there is none */
    } cases[] = {
        {"{}", 2},
        {"{\"a\":{\"b\":1}} ", 13},
        {"{\"}\\\"}\":1}x", 10},
        {"[[\"]\"],[]]]", 10},
        {"{\"a\":[}", 7},
        {"{\"\\\\\"}", 6},
        {"{", -1},
        {"{\"a}", -1},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        const char *text = cases[i].text;
        const char *end = cenv_json_scan_close(text, text + strlen(text));
        check_case(text);
        CHECK_INT(end ? end - text : -1, cases[i].len);
    }
}

/* Quotes, backslashes and brackets at every place of a block of the fast path. */
static void test_json_scan__brackets_at_every_offset(void)
{
    char text[400];
    for (int fill = 0; fill < 150; fill++) {
        int len = snprintf(text, sizeof(text), "{\"%*s\\\"}\":{}}]", fill, "");
        const char *end = cenv_json_scan_close(text, text + len);
        if (!CHECK_INT(end ? end - text : -1, len - 1))
            break;
    }
}

static void test_json_scan__walks_members_and_items(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_json_scan s = scan_of("{ \"a\" : [1, 22] , \"b\\u0063\": null}");
    struct cenv_str key;
    uint64_t number = 0, sum = 0;
    bool started = false, in_list = false;
    CHECK_INT(cenv_json_scan_expect(&s, '{', "expected {"), 0);
    CHECK_INT(cenv_json_scan_member(&s, &started, &key, &arena), 1);
    CHECK(cenv_str_is(key, "a"));
    CHECK_INT(cenv_json_scan_expect(&s, '[', "expected ["), 0);
    while (cenv_json_scan_item(&s, &in_list) == 1)
        if (CHECK_INT(cenv_json_scan_uint(&s, &number), 0))
            sum += number;
    CHECK_INT(sum, 23);
    CHECK_INT(cenv_json_scan_member(&s, &started, &key, &arena), 1);
    CHECK(cenv_str_is(key, "bc"));
    CHECK(!cenv_json_scan_word(&s, "true"));
    CHECK(cenv_json_scan_word(&s, "null"));
    CHECK_INT(cenv_json_scan_member(&s, &started, &key, &arena), 0);
    CHECK_INT(cenv_json_scan_peek(&s), '\0');
    cenv_arena_release(&arena);
}

static void test_json_scan__strings(void)
{
    static const struct {
        const char *text, *string; /* NULL: refused */
    } cases[] = {
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u00e9\\ud83d\\ude00\"", "\xc3\xa9\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", NULL},
        {"\"\\ude00\"", NULL},
        {"\"\\u00g0\"", NULL},
        {"\"\\x\"", NULL},
        {"\"a\nb\"", NULL},
        {"\"\xff\"", NULL},
        {"\"open", NULL},
        {"none", NULL},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_json_scan s = scan_of(cases[i].text);
        struct cenv_str out = {NULL, 0};
        int rc = cenv_json_scan_string(&s, &out, &arena);
        check_case(cases[i].text);
        CHECK_INT(rc, cases[i].string ? 0 : CENV_EINTEGRITY);
        if (rc == 0)
            CHECK(cenv_str_is(out, cases[i].string));
        else
            CHECK(s.why && *s.why);
        cenv_arena_release(&arena);
    }
}

static void test_json_scan__skips_one_value(void)
{
    static const struct {
        const char *text;
        int len; /* skipped; -1: refused */
    } cases[] = {
        {"1,", 1},       {"-1.5e+3]", 7},     {"true}", 4}, {"\"a\\\"b\":", 6},
        {"[{},[]] ", 7}, {"{\"a\":[1]}x", 9}, {"[1,]", -1}, {"{\"a\"}", -1},
        {"[01]", -1},    {"-", -1},           {"nul", -1},  {"", -1},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_json_scan s = scan_of(cases[i].text);
        int rc = cenv_json_scan_skip(&s);
        check_case(cases[i].text);
        CHECK_INT(rc == 0 ? s.at - cases[i].text : -1, cases[i].len);
    }
}

static void test_json_scan__nesting_is_bounded(void)
{
    enum { DEEP = 100000 };
    char *text = cenv_malloc(DEEP);
    struct cenv_json_scan s = {text, text + DEEP, NULL};
    if (CHECK(text)) {
        memset(text, '[', DEEP);
        CHECK_INT(cenv_json_scan_skip(&s), CENV_EINTEGRITY);
    }
    cenv_free(text);
}

static void test_json_scan__unsigned_integers(void)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"12.9", 0, 12},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", CENV_EINTEGRITY, 0},
        {"-1", CENV_EINTEGRITY, 0},
        {"1e3", CENV_EINTEGRITY, 0},
        {"x", CENV_EINTEGRITY, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_json_scan s = scan_of(cases[i].text);
        uint64_t value = 0;
        check_case(cases[i].text);
        if (CHECK_INT(cenv_json_scan_uint(&s, &value), cases[i].rc) && cases[i].rc == 0)
            CHECK(value == cases[i].value);
    }
}

int main(void)
{
    RUN(test_json_scan__finds_the_matching_bracket);
    RUN(test_json_scan__brackets_at_every_offset);
    RUN(test_json_scan__walks_members_and_items);
    RUN(test_json_scan__strings);
    RUN(test_json_scan__skips_one_value);
    RUN(test_json_scan__nesting_is_bounded);
    RUN(test_json_scan__unsigned_integers);
    return check_report();
}
