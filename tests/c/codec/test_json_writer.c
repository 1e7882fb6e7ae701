/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/json_writer: commas, indentation, every kind of value, ceilings that hold. */
#include "codec/json_writer.h"

#include "check.h"
#include "codec/json.h"

static struct cenv_buf out;
static struct cenv_json_writer w;

static void begin(unsigned flags, size_t max)
{
    cenv_buf_init(&out, max);
    cenv_json_writer_init(&w, &out, flags);
}

static void check_text(const char *text)
{
    struct cenv_error err = CENV_ERROR_INIT;

    CHECK_INT(cenv_json_writer_finish(&w, &err), 0);
    CHECK_STR(cenv_buf_str(&out).data, text);
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

static void write_nested(void)
{
    cenv_json_write_object(&w, NULL);
    cenv_json_write_cstr(&w, "path", "/a");
    cenv_json_write_array(&w, "files");
    cenv_json_write_u64(&w, NULL, 1);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_end(&w);
    cenv_json_write_array(&w, NULL);
    cenv_json_write_end(&w);
    cenv_json_write_u64(&w, NULL, 2);
    cenv_json_write_end(&w);
    cenv_json_write_object(&w, "more");
    cenv_json_write_bool(&w, "yes", true);
    cenv_json_write_end(&w);
    cenv_json_write_null(&w, "none");
    cenv_json_write_end(&w);
}

static void test_json_writer__sets_commas(void)
{
    begin(0, 4096);
    write_nested();
    check_text(
        "{\"path\":\"/a\",\"files\":[1,{},[],2],\"more\":{\"yes\":true},\"none\":null}");
}

static void test_json_writer__indents_as_print_does(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *tree = NULL;
    struct cenv_buf printed;

    begin(CENV_JSON_INDENT, 4096);
    write_nested();
    cenv_buf_init(&printed, 4096);
    if (CHECK_INT(cenv_json_parse(&tree, cenv_buf_str(&out), "it", &err), 0))
        CHECK(cenv_json_print(tree, CENV_JSON_INDENT, &printed));
    CHECK(strncmp(
              printed.data, "{\n  \"path\": \"/a\",\n  \"files\": [\n    1,\n    {},",
              strlen("{\n  \"path\": \"/a\",\n  \"files\": [\n    1,\n    {},")) == 0);
    check_text(printed.data);
    cenv_json_free(tree);
    cenv_buf_release(&printed);
}

static void test_json_writer__writes_values(void)
{
    begin(0, 4096);
    cenv_json_write_array(&w, NULL);
    cenv_json_write_u64(&w, NULL, UINT64_MAX);
    cenv_json_write_i64(&w, NULL, INT64_MIN);
    cenv_json_write_double(&w, NULL, 3);
    cenv_json_write_double(&w, NULL, 0.1);
    cenv_json_write_double(&w, NULL, 1e300);
    cenv_json_write_seconds(&w, NULL, 1);
    cenv_json_write_seconds(&w, NULL, 12000345678);
    cenv_json_write_bool(&w, NULL, false);
    cenv_json_write_str(&w, NULL, CENV_STR("a\"\\\n\x01\xc3\xa9\xff/"));
    cenv_json_write_raw(&w, NULL, CENV_STR("{\"raw\": 1}"));
    cenv_json_write_end(&w);
    check_text("[18446744073709551615,-9223372036854775808,3,0.1,1e+300,"
               "0.000000001,12.000345678,false,"
               "\"a\\\"\\\\\\n\\u0001\\u00e9\\ufffd/\",{\"raw\": 1}]");
}

static void test_json_writer__keys_need_be_no_literals(void)
{
    begin(0, 4096);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_key(&w, CENV_STR("k\"1"));
    cenv_json_write_u64(&w, NULL, 1);
    cenv_json_write_key(&w, CENV_STR("k2"));
    cenv_json_write_array(&w, NULL);
    cenv_json_write_end(&w);
    cenv_json_write_end(&w);
    check_text("{\"k\\\"1\":1,\"k2\":[]}");
}

static void test_json_writer__takes_trees(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *tree = NULL;

    CHECK_INT(cenv_json_parse(&tree, CENV_STR("[{\"a\": [null]}]"), "it", &err), 0);
    begin(0, 4096);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_tree(&w, "tree", tree);
    cenv_json_write_bool(&w, "after", true);
    cenv_json_write_end(&w);
    check_text("{\"tree\":[{\"a\":[null]}],\"after\":true}");
    cenv_json_free(tree);
}

static void test_json_writer__failure_is_sticky(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    begin(0, 12);
    write_nested();
    CHECK_INT(cenv_json_writer_finish(&w, &err), CENV_ENOMEM);
    CHECK_INT(err.status, CENV_ENOMEM);
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

static void test_json_writer__nesting_has_a_ceiling(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    for (int depth = CENV_JSON_MAX_DEPTH; depth <= CENV_JSON_MAX_DEPTH + 1; depth++) {
        begin(0, 4096);
        for (int i = 0; i < depth; i++)
            cenv_json_write_array(&w, NULL);
        for (int i = 0; i < depth; i++)
            cenv_json_write_end(&w);
        CHECK_INT(cenv_json_writer_finish(&w, &err),
                  depth > CENV_JSON_MAX_DEPTH ? CENV_ENOMEM : 0);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_json_writer__sets_commas);
    RUN(test_json_writer__indents_as_print_does);
    RUN(test_json_writer__writes_values);
    RUN(test_json_writer__keys_need_be_no_literals);
    RUN(test_json_writer__takes_trees);
    RUN(test_json_writer__failure_is_sticky);
    RUN(test_json_writer__nesting_has_a_ceiling);
    return check_report();
}
