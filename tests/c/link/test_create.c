/* SPDX-License-Identifier: BSD-3-Clause */
/* Creating environments: options, and what a refusal leaves behind. */
#include "cenv.h"

#include "check.h"
#include "storekit.h"

static int create(struct storekit *k, const char *options)
{
    cenv_error_release(&k->err);
    cenv_buf_clear(&k->out);
    return cenv_create(k->store, scratch_path(&k->s, "env"), "[]", options, &k->task,
                       &k->out, &k->err);
}

static void test_create__refuses_options_it_has_not(void)
{
    static const struct {
        const char *options, *says, *hint;
    } cases[] = {
        {"{\"compil\": true}", "create has no option 'compil'",
         "did you mean 'compile'?"},
        {"{\"offlin\": true}", "create has no option 'offlin'",
         "did you mean 'offline'?"},
        {"{\"scripts\": 1}", "the option 'scripts' of create must be true or false",
         ""},
        {"{\"link_mode\": \"soft\"}",
         "link mode 'soft' is none of auto, reflink, hardlink, copy", ""},
        {"{\"link_mode\": 1}", "link mode '' is none of auto, reflink, hardlink, copy",
         ""},
    };
    struct storekit k = storekit_open();

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].options);
        CHECK_INT(create(&k, cases[i].options), CENV_EUSAGE);
        CHECK_STR(k.err.message, cases[i].says);
        CHECK_STR(k.err.hint, cases[i].hint);
        CHECK_INT(k.out.len, 0);
        CHECK(!scratch_has(&k.s, "env"));
    }
    storekit_close(&k);
}

/* A list may tell two packages of one name: an environment would hold a mix of both. */
static void test_create__refuses_two_packages_of_a_name(void)
{
    static const char *const lists[] = {
        "[{\"name\":\"a\",\"fn\":\"a-1-0.conda\"},{\"name\":\"a\",\"fn\":\"a-2-0.conda\"}]",
        "[{\"name\":\"a\",\"url\":\"https://h/a-1-0.conda\"},{\"name\":\"b\"},"
        "{\"name\":\"a\",\"url\":\"https://i/a-1-0.conda\"}]",
    };
    struct storekit k = storekit_open();

    for (size_t i = 0; i < CHECK_NR(lists); i++) {
        check_case(lists[i]);
        CHECK_INT(cenv_create(k.store, scratch_path(&k.s, "env"), lists[i], "{}",
                              &k.task, &k.out, &k.err),
                  CENV_ESPEC);
        CHECK(strstr(k.err.message, "the package 'a' is listed twice: "));
        CHECK(!scratch_has(&k.s, "env"));
        cenv_error_release(&k.err);
    }
    storekit_close(&k);
}

static void test_create__makes_an_environment_once(void)
{
    struct storekit k = storekit_open();

    CHECK_INT(create(&k, "{\"cmd\": \"cenv create\", \"specs\": []}"), 0);
    CHECK(scratch_has(&k.s, "env/conda-meta/history"));
    CHECK(strstr(k.out.data, "\"records\":[],\"warnings\":[],\"prefix\":"));
    CHECK(strstr(k.out.data, "\"messages\":null"));
    CHECK(strstr(k.out.data, "\"name\":\"link\""));
    CHECK_INT(create(&k, NULL), CENV_EPREFIX);
    CHECK_INT(k.out.len, 0);
    storekit_close(&k);
}

int main(void)
{
    RUN(test_create__refuses_options_it_has_not);
    RUN(test_create__refuses_two_packages_of_a_name);
    RUN(test_create__makes_an_environment_once);
    return check_report();
}
