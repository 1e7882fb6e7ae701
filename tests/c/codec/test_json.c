/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/json: what is refused and where, exact numbers, text as Python's json.dumps writes it. */
#include "codec/json.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

static int parse(struct cenv_json **out, const char *text, struct cenv_error *err)
{
    return cenv_json_parse(out, cenv_str(text), "doc", err);
}

static void test_json__refuses(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "doc is empty, not JSON"},
        {"{\"a\": 1,\n \"b\" 2}",
         "doc is not valid JSON: unexpected text at line 2, column 6"},
        {"[1] x", "doc is not valid JSON: more after the end at line 1, column 4"},
        {"[01]", "doc is not valid JSON: malformed number at line 1, column 2"},
        {"[1.]", "doc is not valid JSON: malformed number at line 1, column 2"},
        {"[1e]", "doc is not valid JSON: malformed number at line 1, column 2"},
        {"[\"a\tb\"]",
         "doc is not valid JSON: control character in a string at line 1, column 2"},
        {"\n[\"\\u0000\"]",
         "doc is not valid JSON: U+0000 in a string at line 1, column 2"},
        {"[\"\xff\"]",
         "doc is not valid JSON: bytes that are not UTF-8 at line 1, column 3"},
        {"[\"abc", "doc is not valid JSON: unterminated string at line 1, column 2"},
        {"[\x01]", "doc is not valid JSON: control character at line 1, column 2"},
        {"{\"a\": {\"x\": 1, \"y\": 2, \"x\": 1}}",
         "doc has the key 'x' twice in one object"},
        {"{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,"
         "\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"b\":0}",
         "doc has the key 'b' twice in one object"},
        {"[1e999]", "doc holds a number out of range"},
        {"nul", "doc is not valid JSON: unexpected text at line 1, column 1"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_json *out = NULL;

        check_case(cases[i].text);
        CHECK_INT(parse(&out, cases[i].text, &err), CENV_EINTEGRITY);
        CHECK_STR(err.message, cases[i].message);
        CHECK(!out);
        cenv_error_release(&err);
    }
}

static void test_json__refuses_depth(void)
{
    char deep[2 * (CENV_JSON_MAX_DEPTH + 1)];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *out = NULL;

    memset(deep, '[', sizeof(deep) / 2);
    memset(deep + sizeof(deep) / 2, ']', sizeof(deep) / 2);
    CHECK_INT(cenv_json_parse(&out, cenv_str_n(deep, sizeof(deep)), "doc", &err),
              CENV_EINTEGRITY);
    CHECK(strstr(err.message, "too deeply nested"));
    cenv_error_release(&err);
    CHECK_INT(
        cenv_json_parse(&out, cenv_str_n(deep + 1, sizeof(deep) - 2), "doc", &err), 0);
    cenv_json_free(out);
}

static void test_json__round_trip(void)
{
    static const struct {
        const char *text, *compact;
    } cases[] = {
        {" {} ", "{}"},
        {"\xef\xbb\xbf[]\r\n", "[]"},
        {"[9007199254740991, -9007199254740991, 1700000000123]",
         "[9007199254740991,-9007199254740991,1700000000123]"},
        {"[0.1, 1.5e-7, 1e300, 2.0, 1700000000.123]",
         "[0.1,1.5e-07,1e+300,2,1700000000.123]"},
        {"[true, false, null]", "[true,false,null]"},
        {"[\"\\u00e9\xc3\xa9\\ud83d\\ude00\\/\\\\\\\"\\n\\u007f\"]",
         "[\"\\u00e9\\u00e9\\ud83d\\ude00/\\\\\\\"\\n\\u007f\"]"},
        {"{\"b\": [1, {}], \"a\": \"\\\\u0000\"}",
         "{\"b\":[1,{}],\"a\":\"\\\\u0000\"}"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_json *doc = NULL;
        struct cenv_buf out;

        check_case(cases[i].text);
        cenv_buf_init(&out, 1000);
        if (CHECK_INT(parse(&doc, cases[i].text, &err), 0)) {
            CHECK(cenv_json_print(doc, 0, &out));
            CHECK_STR(out.data, cases[i].compact);
        }
        cenv_json_free(doc);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
}

static void test_json__prints_as_conda(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *doc = NULL;
    struct cenv_buf out;

    cenv_buf_init(&out, 1000);
    CHECK_INT(parse(&doc, "{\"b\":[1,2],\"a\":{},\"c\":{\"z\":[],\"B\":null}}", &err),
              0);
    cenv_json_print(doc, CENV_JSON_INDENT | CENV_JSON_SORT, &out);
    CHECK_STR(out.data, "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2\n  ],\n  \"c\": {\n"
                        "    \"B\": null,\n    \"z\": []\n  }\n}");
    cenv_json_free(doc);
    cenv_buf_release(&out);
}

static void test_json__reads_members(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *doc = NULL, *item;
    int64_t number = -1;
    size_t nr = 0;

    CHECK_INT(
        parse(&doc,
              "{\"s\":\"x\",\"n\":3,\"f\":1.5,\"t\":true,\"big\":1e17,\"l\":[1,2,3]}",
              &err),
        0);
    CHECK_STR(cenv_json_get_cstr(doc, "s"), "x");
    CHECK_STR(cenv_json_get_cstr(doc, "n"), NULL);
    CHECK_STR(cenv_json_get_cstr(cenv_json_get(doc, "absent"), "s"), NULL);
    CHECK_INT(cenv_json_get_int(doc, "n", 7), 3);
    CHECK_INT(cenv_json_get_int(doc, "f", 7), 7);
    CHECK_INT(cenv_json_get_int(doc, "big", 7), 7);
    CHECK(!cenv_json_int(cenv_json_get(doc, "s"), &number) && number == -1);
    CHECK(cenv_json_get_true(doc, "t") && !cenv_json_get_true(doc, "n"));
    cenv_json_each(item, cenv_json_get(doc, "l")) nr +=
        cenv_json_type(item) == CENV_JSON_NUMBER && !cenv_json_key(item);
    CHECK_INT(nr, 3);
    CHECK_STR(cenv_json_key(cenv_json_first(doc)), "s");
    CHECK_INT(cenv_json_len(doc), 6);
    cenv_json_free(doc);
}

static void test_json__builds(void)
{
    struct cenv_json *doc = cenv_json_object(), *list = cenv_json_array();
    struct cenv_buf out;
    bool done = true;

    cenv_buf_init(&out, 1000);
    done &= cenv_json_append_str(list, CENV_STR("a"));
    done &= cenv_json_append(list, cenv_json_dup(list));
    done &= cenv_json_set_cstr(doc, "name", "old");
    done &= cenv_json_set(doc, "list", list);
    done &= cenv_json_set_cstr(doc, "name", "new");
    done &= cenv_json_set_int(doc, "size", 9007199254740992);
    done &= cenv_json_set_bool(doc, "gone", true);
    CHECK(done);
    cenv_json_remove(doc, "gone");
    CHECK(!cenv_json_set_str(doc, "nul", cenv_str_n("a\0b", 3)));
    CHECK(!cenv_json_set_cstr(doc, "bad", "\xc0\x80"));
    CHECK(!cenv_json_set_int(doc, "big", INT64_MAX));
    CHECK(!cenv_json_append_str(NULL, CENV_STR("a")));
    cenv_json_print(doc, 0, &out);
    CHECK_STR(out.data,
              "{\"name\":\"new\",\"list\":[\"a\",[\"a\"]],\"size\":9007199254740992}");
    cenv_json_free(doc);
    cenv_buf_release(&out);
}

/* A value of two bytes takes eighty: a short text of many is refused, a long one of few is not. */
static void test_json__bounds_values_by_length(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *doc = NULL;
    struct cenv_buf text;

    cenv_buf_init(&text, 1 << 24);
    cenv_buf_putc(&text, '[');
    for (int i = 0; i < 150000; i++)
        cenv_buf_puts(&text, "0,");
    cenv_buf_puts(&text, "0]");
    CHECK_INT(cenv_json_parse(&doc, cenv_buf_str(&text), "doc", &err), CENV_EINTEGRITY);
    CHECK(strstr(err.message, "too many values for its length"));
    cenv_buf_clear(&text);
    cenv_buf_putc(&text, '[');
    for (int i = 0; i < 150000; i++)
        cenv_buf_puts(&text, "\"a name\",");
    cenv_buf_puts(&text, "0]");
    CHECK_INT(cenv_json_parse(&doc, cenv_buf_str(&text), "doc", &err), 0);
    cenv_json_free(doc);
    cenv_buf_release(&text);
    cenv_error_release(&err);
}

/* Out of memory is no fault of the text. */
static void test_json__parsing_lacks_memory(void)
{
    static const char text[] =
        "{\"list\": [1, \"two\", {\"key\": \"value\"}], \"n\": null}";
    int rc = CENV_ENOMEM;

    for (long nth = 1; rc != 0 && nth < 100; nth++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_json *doc = NULL;
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(nth);
        rc = cenv_json_parse(&doc, cenv_str(text), "it", &err);
        cenv_alloc_fail_nth(0);
        if (rc == 0)
            CHECK(nth > 10); /* cJSON's own allocations fail too */
        else
            CHECK_INT(rc, CENV_ENOMEM);
        cenv_json_free(doc);
        CHECK_INT(cenv_alloc_live(), live);
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 0);
}

static bool change_document(struct cenv_json *doc)
{
    bool done = cenv_json_set_cstr(doc, "name", "new");

    done &= cenv_json_set(doc, "list", cenv_json_dup(cenv_json_get(doc, "name")));
    done &= cenv_json_set(cenv_json_get(doc, "deep"), "er", cenv_json_array());
    return done;
}

/* A change that fails leaves a document that reads back: no key is ever lost. */
static void test_json__setting_lacks_memory(void)
{
    static const char text[] = "{\"name\":\"old\",\"list\":[],\"deep\":{}}";
    bool done = false;

    for (long nth = 1; !done && nth < 100; nth++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_json *doc = NULL, *again = NULL;
        struct cenv_buf out;
        cenv_buf_init(&out, 1000);
        CHECK_INT(cenv_json_parse(&doc, cenv_str(text), "it", &err), 0);
        cenv_alloc_fail_nth(nth);
        done = change_document(doc);
        cenv_alloc_fail_nth(0);
        CHECK(cenv_json_print(doc, 0, &out));
        if (CHECK_INT(cenv_json_parse(&again, cenv_buf_str(&out), "again", &err), 0))
            CHECK_INT(cenv_json_len(again), 3);
        cenv_json_free(doc);
        cenv_json_free(again);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
    CHECK(done);
}

static void test_json__quotes_any_bytes(void)
{
    struct cenv_buf out;

    cenv_buf_init(&out, 100);
    CHECK(cenv_json_quote(&out, CENV_STR("a\xff\xc3\xa9\xed\xa0\x80")));
    CHECK_STR(out.data, "\"a\\ufffd\\u00e9\\ufffd\\ufffd\\ufffd\"");
    cenv_buf_release(&out);
}

int main(void)
{
    RUN(test_json__refuses);
    RUN(test_json__refuses_depth);
    RUN(test_json__round_trip);
    RUN(test_json__prints_as_conda);
    RUN(test_json__reads_members);
    RUN(test_json__builds);
    RUN(test_json__bounds_values_by_length);
    RUN(test_json__parsing_lacks_memory);
    RUN(test_json__setting_lacks_memory);
    RUN(test_json__quotes_any_bytes);
    return check_report();
}
