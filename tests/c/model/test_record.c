/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of repodata, one by one. */
#include "model/record.h"

#include "check.h"
#include "model/version.h"

static struct cenv_arena arena;

static int parse(struct cenv_record *out, const char *object, const char *fn,
                 struct cenv_error *err)
{
    static const struct cenv_record_origin origin = {
        .subdir = {"noarch", 6},
        .channel = {"main", 4},
        .base_url = {"https://h/c/noarch/", 19}};

    check_case(object);
    return cenv_record_parse(out, cenv_str(object), cenv_str(fn), &origin, &arena, err);
}

static void test_record__fields(void)
{
    static const char text[] =
        "{\"name\":\"Foo\",\"version\":\"1.0\",\"build\":\"py_3\",\"build_number\":3,"
        "\"depends\":[\"a\",\"b >=1\"],\"constrains\":[\"c\"],\"track_features\":\"x, y\","
        "\"timestamp\":1500000000,\"noarch\":\"generic\",\"license\":\"MIT\",\"size\":7,"
        "\"unknown\":{\"deep\":[1,2]}}";
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_record r;

    if (!CHECK_INT(parse(&r, text, "foo-1.0-py_3.conda", &err), 0))
        return;
    CHECK(cenv_str_is(r.name, "foo") && cenv_str_is(r.build, "py_3"));
    CHECK(r.parsed && cenv_str_is(r.parsed->text, "1.0"));
    CHECK(r.build_number == 3 && r.size == 7);
    CHECK(r.nr_depends == 2 && cenv_str_is(r.depends[1], "b >=1"));
    CHECK(r.nr_constrains == 1 && cenv_str_is(r.constrains[0], "c"));
    CHECK(r.nr_track_features == 2 && cenv_str_is(r.track_features[1], "y"));
    CHECK(r.timestamp_ms == 1500000000000); /* seconds in the file */
    CHECK(cenv_str_is(r.subdir, "noarch") && cenv_str_is(r.channel, "main"));
    CHECK(cenv_str_is(r.noarch, "generic") && cenv_str_is(r.license, "MIT"));
    CHECK(cenv_str_is(r.fn, "foo-1.0-py_3.conda"));
    cenv_error_release(&err);
}

static void test_record__refuses_names_that_leave_a_directory(void)
{
    static const char *const objects[] = {
        "{\"name\":\"../x\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0}",
        "{\"name\":\"a\",\"version\":\"1/2\",\"build\":\"0\",\"build_number\":0}",
        "{\"name\":\"a\",\"version\":\"1\",\"build\":\"0\\u0000\",\"build_number\":0}",
        "{\"name\":\"a\",\"version\":\"1\",\"build\":\"c:0\",\"build_number\":0}",
        "{\"name\":\"a\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0",
        "[]",
    };

    for (size_t i = 0; i < CHECK_NR(objects); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_record r;
        CHECK_INT(parse(&r, objects[i], "a-1-0.conda", &err), CENV_EINTEGRITY);
        CHECK(err.message[0]);
        cenv_error_release(&err);
    }
}

static void test_record__url_is_quoted(void)
{
    struct cenv_record r = {.fn = CENV_STR("x-1!2-0.conda")};
    struct cenv_record odd = {.fn = CENV_STR("x%41 y-1-0.conda")};

    CHECK_INT(cenv_record_url(&r, CENV_STR("https://h/c/noarch/"), &arena), 0);
    CHECK(cenv_str_is(r.url, "https://h/c/noarch/x-1!2-0.conda"));
    CHECK_INT(cenv_record_url(&odd, CENV_STR("https://h/"), &arena), 0);
    CHECK(cenv_str_is(odd.url, "https://h/x%2541%20y-1-0.conda"));
}

int main(void)
{
    RUN(test_record__fields);
    RUN(test_record__refuses_names_that_leave_a_directory);
    RUN(test_record__url_is_quoted);
    cenv_arena_release(&arena);
    return check_report();
}
