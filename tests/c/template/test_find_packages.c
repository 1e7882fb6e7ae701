/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a template by its list of packages. */
#include "check.h"
#include "storekit.h"

#define SHA_A "\"sha256\":\"aa\""
#define MD5_A "\"md5\":\"5a\""
#define URL_A "\"url\":\"https://h.invalid/a-1-0.conda\""
#define VB    "\"version\":\"1\",\"build\":\"0\""
#define A \
    "{\"name\":\"a\"," SHA_A "," MD5_A "," URL_A "," VB ",\"depends\":[\"b\",\"c\"]}"
#define B "{\"name\":\"b\"," VB ",\"sha256\":\"bb\"}"

static void put_template(struct storekit *k, char digit, const char *marks)
{
    char path[256], text[1024];
    const char *id = storekit_hash(digit);
    storekit_put_template(k, id, 1000, 10);
    snprintf(path, sizeof(path), "store/v1/templates/%s/template.json", id);
    snprintf(text, sizeof(text),
             "{\"id\":\"%s\",\"size\":1,\"specs\":[],%s\"records\":[" A "," B "]}", id,
             marks);
    scratch_file(&k->s, path, text, 0644);
}

static bool finds(struct storekit *k, const char *list, const char *marks, char digit)
{
    cenv_buf_clear(&k->out);
    int rc =
        cenv_template_find_packages(k->store, list, marks, &k->task, &k->out, &k->err);
    if (!CHECK_INT(rc, 0))
        return false;
    return digit ? strstr(k->out.data, storekit_hash(digit)) != NULL
                 : cenv_str_is(cenv_buf_str(&k->out), "null");
}

static void test_find_packages__by_the_strongest_that_a_list_tells(void)
{
    static const struct {
        const char *list;
        bool found;
    } cases[] = {
        {"[{\"name\":\"a\"," SHA_A "}," B "]", true},
        {"[" B ",{\"name\":\"a\"," MD5_A "}]", true},
        {"[{\"name\":\"a\"," URL_A "}," B "]", true},
        {"[{\"name\":\"a\"," SHA_A ",\"url\":\"file:///mirror\"}," B "]", true},
        {"[{\"name\":\"a\",\"sha256\":\"ab\"," URL_A "," MD5_A "}," B "]", false},
        {"[{\"name\":\"a\",\"md5\":\"5b\"," URL_A "}," B "]", false},
        {"[{\"name\":\"a\",\"url\":\"file:///mirror\"}," B "]", false},
        {"[{\"name\":\"a\"}," B "]", false},
        {"[{\"name\":\"a\"," SHA_A "}]", false},
        {"[{\"name\":\"a\"," SHA_A "}," B ",{\"name\":\"c\"}]", false},
        {"[{\"name\":\"a\"," SHA_A "}," B "," B "]", false},
        {"[{\"name\":\"c\"," SHA_A "}," B "]", false},
        {"[{\"name\":\"a\"," SHA_A ",\"depends\":[\"b\",\"c\"]}," B "]", true},
        {"[{\"name\":\"a\"," SHA_A ",\"depends\":[\"b\"]}," B "]", false},
        {"[{\"name\":\"a\"," SHA_A ",\"depends\":[\"b\",\"c\",\"d\"]}," B "]", false},
        {"[{\"name\":\"a\"," SHA_A ",\"constrains\":[\"b\"]}," B "]", false},
        {"[7,\"a\"]", false},
        {"[]", false},
    };
    struct storekit k = storekit_open();
    put_template(&k, '1', "");
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].list);
        CHECK(finds(&k, cases[i].list, NULL, cases[i].found ? '1' : 0));
    }
    storekit_close(&k);
}

static void test_find_packages__of_one_kind_among_several(void)
{
    struct storekit k = storekit_open();
    const char *list = "[" A "," B "]";
    CHECK(finds(&k, list, "{}", 0));
    put_template(&k, '1', "\"key\":\"k\",");
    put_template(&k, '2', "\"base\":\"x\",");
    CHECK(finds(&k, list, "{}", 0));
    put_template(&k, '3', "");
    CHECK(finds(&k, list, "{}", '3'));
    CHECK(finds(&k, list, "{\"key\":\"k\"}", '1'));
    CHECK(finds(&k, list, "{\"base\":\"x\"}", '2'));
    CHECK(finds(&k, list, "{\"key\":\"k\",\"base\":\"x\"}", 0));
    storekit_close(&k);
}

static void test_find_packages__refuses_what_is_no_list(void)
{
    struct storekit k = storekit_open();
    CHECK_INT(cenv_template_find_packages(k.store, "{}", "{}", &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_find_packages(k.store, "[]", "{\"keys\":\"\"}", &k.task,
                                          &k.out, &k.err),
              CENV_EUSAGE);
    CHECK_INT(k.out.len, 0);
    storekit_close(&k);
}

static void test_find_packages__out_of_memory(void)
{
    struct storekit k = storekit_open();
    put_template(&k, '1', "");
    int rc = CENV_ENOMEM;
    for (int nth = 1; rc != 0 && nth < 1000; nth++) {
        cenv_buf_clear(&k.out);
        k.out.failed = false;
        cenv_error_release(&k.err);
        cenv_alloc_fail_nth(nth);
        rc = cenv_template_find_packages(k.store, "[" A "," B "]", NULL, &k.task,
                                         &k.out, &k.err);
        cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
    }
    CHECK_INT(rc, 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_find_packages__by_the_strongest_that_a_list_tells);
    RUN(test_find_packages__of_one_kind_among_several);
    RUN(test_find_packages__refuses_what_is_no_list);
    RUN(test_find_packages__out_of_memory);
    return check_report();
}
