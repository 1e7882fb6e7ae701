/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/msgpack: every type to JSON and back, and hostile documents refused with the byte. */
#include "codec/msgpack.h"

#include "check.h"
#include "codec/json.h"

#define BYTES(literal) \
    { \
        "" literal, sizeof(literal) - 1 \
    }

static void test_msgpack__reads(void)
{
    static const struct {
        struct cenv_str in;
        const char *json;
    } cases[] = {
        {BYTES("\xc0"), "null"},
        {BYTES("\xc3"), "true"},
        {BYTES("\x07"), "7"},
        {BYTES("\xff"), "-1"},
        {BYTES("\xd1\xff\x7f"), "-129"},
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
        {BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808"},
        {BYTES("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5"},
        {BYTES("\xca\x3f\xc0\x00\x00"), "1.5"},
        {BYTES("\xa0"), "\"\""},
        {BYTES("\xa6"
               "a\"\\\n\xc3\xa9"),
         "\"a\\u0022\\u005c\\u000a\xc3\xa9\""},
        {BYTES("\xd9\x01"
               "x"),
         "\"x\""},
        {BYTES("\xc4\x02\x00\xff"), "\"00ff\""},
        {BYTES("\xc4\x00"), "\"\""},
        {BYTES("\x92\x01\xc0"), "[1,null]"},
        {BYTES("\x82\xa1"
               "a\x01\xa1"
               "b\x90"),
         "{\"a\":1,\"b\":[]}"},
        {BYTES("\xd4\x01z"), "null"},
        {BYTES("\x92\xc7\x03\x05xyz\x01"), "[null,1]"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;

        check_case(cases[i].json);
        cenv_buf_init(&out, 1 << 16);
        if (CHECK_INT(cenv_msgpack_to_json(cases[i].in, &out, &err), 0))
            CHECK_STR(out.data, cases[i].json);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
}

static void test_msgpack__refuses(void)
{
    static const struct {
        struct cenv_str in;
        const char *message;
    } cases[] = {
        {BYTES(""), "byte 0 of 0: the text ends here, cut short"},
        {BYTES("\xc1"), "byte 0 of 1: no such type"},
        {BYTES("\xcd\x01"), "byte 2 of 2: the text ends here, cut short"},
        {BYTES("\x92\x01"), "byte 1 of 2: a list longer than the text"},
        {BYTES("\xdd\xff\xff\xff\xff\x01"), "byte 5 of 6: a list longer than the text"},
        {BYTES("\xdf\xff\xff\xff\xff\x01"), "byte 5 of 6: a map longer than the text"},
        {BYTES("\x81\xa1"
               "a"),
         "byte 3 of 3: the text ends here, cut short"},
        {BYTES("\xdb\xff\xff\xff\xff"
               "abc"),
         "byte 5 of 8: a length beyond the end"},
        {BYTES("\xc6\xff\xff\xff\xff"
               "abc"),
         "byte 5 of 8: a length beyond the end"},
        {BYTES("\xc7\x09\x01"
               "abc"),
         "byte 3 of 6: a length beyond the end"},
        {BYTES("\x81\x01\x02"), "byte 2 of 3: a key that is not text"},
        {BYTES("\x81\xc4\x01x\x02"), "byte 3 of 5: a key that is not text"},
        {BYTES("\x82\xa1"
               "a\x01\xa1"
               "a\x02"),
         "byte 7 of 7: a key twice in the map that ends here"},
        {BYTES("\xa2\xff\xfe"), "byte 3 of 3: text that is not UTF-8"},
        {BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
         "byte 9 of 9: a number that is none"},
        {BYTES("\xc0\xc0"), "byte 1 of 2: something follows the document"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;

        check_case(cases[i].message);
        cenv_buf_init(&out, 1 << 16);
        CHECK_INT(cenv_msgpack_to_json(cases[i].in, &out, &err), CENV_EINTEGRITY);
        CHECK_STR(err.message, cases[i].message);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
}

/* Nesting is counted, never followed down the stack. */
static void test_msgpack__refuses_depth(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf in, out;

    cenv_buf_init(&in, 1 << 20);
    cenv_buf_init(&out, 1 << 20);
    for (int i = 0; i < 100000; i++)
        cenv_buf_putc(&in, '\x91');
    CHECK_INT(cenv_msgpack_to_json(cenv_buf_str(&in), &out, &err), CENV_EINTEGRITY);
    CHECK(strstr(err.message, "nested too deeply"));
    cenv_buf_release(&in);
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

/* A map of many keys, where a second one of a kind hides best. */
static void test_msgpack__finds_a_twin_among_many(void)
{
    for (int twin = 0; twin < 2; twin++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf in, out;

        cenv_buf_init(&in, 1 << 20);
        cenv_buf_init(&out, 1 << 20);
        cenv_buf_add(&in, "\xde\x01\x00", 3);
        for (int i = 0; i < 256; i++)
            cenv_buf_addf(&in, "\xa4%04d%c", twin && i == 200 ? 17 : i, 1);
        CHECK_INT(cenv_msgpack_to_json(cenv_buf_str(&in), &out, &err),
                  twin ? CENV_EINTEGRITY : 0);
        cenv_buf_release(&in);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
}

static void test_msgpack__writes_what_it_reads(void)
{
    static const char *const cases[] = {
        "{\"a\":[1,-1,255,256,65536,4294967296,-129,1.5,true,false,null,\"\"]}",
        "{\"packages\":{\"a-1-0.conda\":{\"sha256\":\"00ff\",\"md5\":\"zz\",\"x\":{}}}}",
        "{\"shards\":{\"a\":\"0123456789abcdef\"},\"0123\":\"0123\"}",
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_json *tree = NULL;
        struct cenv_buf packed, out;

        check_case(cases[i]);
        cenv_buf_init(&packed, 1 << 16);
        cenv_buf_init(&out, 1 << 16);
        CHECK_INT(cenv_json_parse(&tree, cenv_str(cases[i]), "case", &err), 0);
        CHECK(cenv_msgpack_from_json(tree, &packed));
        CHECK_INT(cenv_msgpack_to_json(cenv_buf_str(&packed), &out, &err), 0);
        CHECK_STR(out.data, cases[i]);
        cenv_json_free(tree);
        cenv_buf_release(&packed);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
}

/* Hashes are bytes, nothing else is. */
static void test_msgpack__packs_hashes(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *tree = NULL;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 16);
    CHECK_INT(cenv_json_parse(&tree, CENV_STR("{\"md5\":\"00ff\",\"url\":\"00ff\"}"),
                              "case", &err),
              0);
    CHECK(cenv_msgpack_from_json(tree, &out));
    CHECK_INT(out.len, 18);
    CHECK_MEM(out.data,
              "\x82\xa3md5\xc4\x02\x00\xff\xa3url\xa4"
              "00ff",
              18);
    cenv_json_free(tree);
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_msgpack__reads);
    RUN(test_msgpack__refuses);
    RUN(test_msgpack__refuses_depth);
    RUN(test_msgpack__finds_a_twin_among_many);
    RUN(test_msgpack__writes_what_it_reads);
    RUN(test_msgpack__packs_hashes);
    return check_report();
}
