/* SPDX-License-Identifier: BSD-3-Clause */
/* What a link calls a record. */
#include "link/input.h"

#include "check.h"

static int name_record(const char *text, struct cenv_arena *arena,
                       struct cenv_str *dist)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *record = NULL;
    int rc = cenv_json_parse(&record, cenv_str(text), "a record", &err);

    if (rc == 0)
        rc = cenv_link_input_dist(record, arena, dist, &err);
    if (rc < 0)
        CHECK(strstr(err.message, "no usable name, version or build"));
    cenv_json_free(record);
    cenv_error_release(&err);
    return rc;
}

static void test_input__dist_is_of_name_version_and_build(void)
{
    static const char *const records[] = {
        "{\"name\":\"a\",\"version\":\"1\",\"build\":\"h_0\"}",
        "{\"name\":\"a\",\"version\":\"1\",\"build_string\":\"h_0\"}",
        "{\"name\":\"a\",\"version\":\"1\",\"build\":\"h_0\",\"build_string\":\"x\"}",
    };
    struct cenv_arena arena = CENV_ARENA_INIT;

    for (size_t i = 0; i < CHECK_NR(records); i++) {
        struct cenv_str dist = {"", 0};
        check_case(records[i]);
        if (CHECK_INT(name_record(records[i], &arena, &dist), 0))
            CHECK_STR(dist.data, "a-1-h_0");
    }
    cenv_arena_release(&arena);
}

static void test_input__dist_is_the_name_of_a_file(void)
{
    static const char *const records[] = {
        "{\"name\":\"a\",\"version\":\"1\"}",
        "{\"name\":\"\",\"version\":\"1\",\"build\":\"0\"}",
        "{\"name\":\"a\",\"build\":\"0\"}",
        "{\"name\":\"../a\",\"version\":\"1\",\"build\":\"0\"}",
        "{\"name\":1,\"version\":\"1\",\"build\":\"0\"}",
    };
    struct cenv_arena arena = CENV_ARENA_INIT;

    for (size_t i = 0; i < CHECK_NR(records); i++) {
        struct cenv_str dist = {"", 0};
        check_case(records[i]);
        CHECK_INT(name_record(records[i], &arena, &dist), CENV_EINTEGRITY);
        CHECK_INT(dist.len, 0);
    }
    cenv_arena_release(&arena);
}

int main(void)
{
    RUN(test_input__dist_is_of_name_version_and_build);
    RUN(test_input__dist_is_the_name_of_a_file);
    return check_report();
}
