/* SPDX-License-Identifier: BSD-3-Clause */
/* exclude_newer: which cutoff counts for a record, and what is refused. */
#include "check.h"
#include "solve/cutoff.h"

static int parse(struct cenv_cutoffs *out, const char *json, struct cenv_arena *arena,
                 struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_json_parse(&doc, cenv_str(json), "cutoffs", err);
    struct cenv_cutoff_members members = {
        .all = cenv_json_get(doc, "all"),
        .packages = cenv_json_get(doc, "packages"),
        .channels = cenv_json_get(doc, "channels"),
    };
    if (rc == 0)
        rc = cenv_cutoffs_parse(out, &members, arena, err);
    cenv_json_free(doc);
    return rc;
}

static void test_cutoff__of_a_package_before_that_of_its_channel(void)
{
    static const struct {
        const char *json, *name, *url;
        int64_t ms;
    } cases[] = {
        {"{}", "a", "https://h/c", INT64_MAX},
        {"{\"all\":7}", "a", "https://h/c", 7},
        {"{\"all\":7,\"packages\":{\"a\":9}}", "a", "https://h/c", 9},
        {"{\"all\":7,\"packages\":{\"a\":9}}", "ab", "https://h/c", 7},
        {"{\"all\":7,\"packages\":{\"a\":null}}", "a", "https://h/c", INT64_MAX},
        {"{\"all\":7,\"channels\":{\"https://h/c\":8}}", "a", "https://h/c", 8},
        {"{\"all\":7,\"channels\":{\"https://h/c\":8}}", "a", "https://h/cc", 7},
        {"{\"packages\":{\"a\":9},\"channels\":{\"https://h/c\":8}}", "a",
         "https://h/c", 9},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_cutoffs cutoffs;
        struct cenv_record record = {.name = cenv_str(cases[i].name),
                                     .channel_url = cenv_str(cases[i].url)};
        check_case(cases[i].json);
        if (CHECK_INT(parse(&cutoffs, cases[i].json, &arena, &err), 0))
            CHECK_INT(cenv_cutoffs_of(&cutoffs, &record), cases[i].ms);
        cenv_arena_release(&arena);
        cenv_error_release(&err);
    }
}

static void test_cutoff__takes_the_time_of_indexing_first(void)
{
    static const struct {
        int64_t indexed, built;
        bool excluded;
    } cases[] = {
        {0, 0, false},  {0, 100, false},  {0, 101, true},
        {101, 1, true}, {99, 101, false},
    };
    struct cenv_cutoffs cutoffs = {.ms = 100};
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_record record = {.indexed_timestamp_ms = cases[i].indexed,
                                     .timestamp_ms = cases[i].built};
        CHECK_INT(cenv_cutoffs_exclude(&cutoffs, &record), cases[i].excluded);
    }
}

static void test_cutoff__refuses_what_is_no_moment(void)
{
    static const char *const cases[] = {
        "{\"packages\":{\"a\":\"2020-01-01\"}}",
        "{\"packages\":{\"a\":{}}}",
        "{\"channels\":{\"https://h/c\":true}}",
        "{\"all\":\"soon\"}",
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_cutoffs cutoffs;
        check_case(cases[i]);
        CHECK_INT(parse(&cutoffs, cases[i], &arena, &err), CENV_EUSAGE);
        cenv_arena_release(&arena);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_cutoff__of_a_package_before_that_of_its_channel);
    RUN(test_cutoff__takes_the_time_of_indexing_first);
    RUN(test_cutoff__refuses_what_is_no_moment);
    return check_report();
}
