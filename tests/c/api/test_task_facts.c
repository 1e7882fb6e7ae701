/* SPDX-License-Identifier: BSD-3-Clause */
/* api/task_facts: what a solve tells of its names, specs and sources. */
#include "universe.h"

static const char repodata[] =
    "{\"packages\": {"
    "\"a-1-0.tar.bz2\": {\"name\": \"a\", \"version\": \"1\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": [\"c >=1\"]},"
    "\"a-2-0.tar.bz2\": {\"name\": \"a\", \"version\": \"2\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": [\"c >=1\", \"d\", \"gone\"]},"
    "\"b-1-0.tar.bz2\": {\"name\": \"b\", \"version\": \"1\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": [\"c\", \"e\", \"__glibc\"]},"
    "\"c-1-0.tar.bz2\": {\"name\": \"c\", \"version\": \"1\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": []},"
    "\"d-1-0.tar.bz2\": {\"name\": \"d\", \"version\": \"1\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": [\"a\"]},"
    "\"e-1-0.tar.bz2\": {\"name\": \"e\", \"version\": \"1\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": []},"
    "\"z-1-0.tar.bz2\": {\"name\": \"z\", \"version\": \"1\", \"build\": \"0\", "
    "\"build_number\": 0, \"depends\": []}}}";

static const char request[] =
    "{\"specs\": [\"a\", \"b <2\"], \"virtual_packages\": [[\"__glibc\", \"2.36\", \"0\"]],"
    " \"locked\": [], \"pinned\": [], \"favored\": [], \"channel_priority\": \"strict\","
    " \"add_pip\": false}";

/* The row of `list` whose member `key` is `value`, or NULL. */
static const struct cenv_json *row_of(const struct cenv_json *facts, const char *list,
                                      const char *key, const char *value)
{
    const struct cenv_json *row;
    cenv_json_each(row, cenv_json_get(facts, list))
    {
        if (cenv_str_is(cenv_json_get_str(row, key), value))
            return row;
    }
    return NULL;
}

static void check_names(const struct cenv_json *facts)
{
    static const struct {
        const char *name, *through, *requirement;
        int candidates;
    } names[] = {
        {"a", "a", "a", 2}, {"b", "b <2", "b <2", 1}, {"c", "a", "c >=1", 1},
        {"d", "a", "d", 1}, {"e", "b", "e", 1},       {"gone", "a", "gone", 0},
    };
    CHECK_INT(cenv_json_len(cenv_json_get(facts, "names")), CHECK_NR(names));
    for (size_t i = 0; i < CHECK_NR(names); i++) {
        const struct cenv_json *row = row_of(facts, "names", "name", names[i].name);
        check_case(names[i].name);
        if (!CHECK(row))
            continue;
        CHECK_STR(cenv_json_get_cstr(row, "reached_through"), names[i].through);
        CHECK_STR(cenv_json_get_cstr(row, "requirement"), names[i].requirement);
        CHECK_INT(cenv_json_get_int(row, "candidates", -1), names[i].candidates);
        CHECK(cenv_json_get_int(row, "clauses", -1) >= 0);
    }
    check_case("");
}

/* c is reached by both; d and gone by a alone, e by b alone. */
static void check_specs(const struct cenv_json *facts)
{
    const struct cenv_json *a = row_of(facts, "specs", "spec", "a");
    const struct cenv_json *b = row_of(facts, "specs", "spec", "b <2");
    if (!CHECK(a && b))
        return;
    CHECK_INT(cenv_json_get_int(a, "only_names", -1), 3);
    CHECK_INT(cenv_json_get_int(a, "only_candidates", -1), 3);
    CHECK_INT(cenv_json_get_int(b, "only_names", -1), 2);
    CHECK_INT(cenv_json_get_int(b, "only_candidates", -1), 2);
}

static void check_source(const struct cenv_json *facts)
{
    const struct cenv_json *row = row_of(facts, "sources", "subdir", "linux-64");
    if (!CHECK(row))
        return;
    CHECK_STR(cenv_json_get_cstr(row, "channel"), "test");
    CHECK_INT(cenv_json_get_int(row, "records", -1), 7);
    CHECK_INT(cenv_json_get_int(row, "names_read", -1), 5);
    CHECK_INT(cenv_json_get_int(row, "records_read", -1), 6);
}

static void test_task_facts__tell_what_a_solve_worked_on(void)
{
    struct universe u = {.nr = 0};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *facts = NULL;
    struct cenv_task task;
    struct cenv_buf reply, out;

    universe_add(&u, "test", "linux-64", NULL, repodata, sizeof(repodata) - 1);
    struct cenv_index *index = universe_open(&u);
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&reply, 1 << 20);
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_task_facts_json(&task, &out, &err), 0);
    CHECK_STR(out.data, "{}");
    cenv_buf_clear(&out);
    CHECK_INT(cenv_solve(index, request, &task, &reply, &err), 0);
    CHECK_INT(cenv_task_facts_json(&task, &out, &err), 0);
    if (CHECK_INT(cenv_json_parse(&facts, cenv_buf_str(&out), "facts", &err), 0)) {
        check_names(facts);
        check_specs(facts);
        check_source(facts);
        CHECK_INT(cenv_json_len(cenv_json_get(facts, "solver")), 1);
    }
    cenv_json_free(facts);
    cenv_buf_release(&reply);
    cenv_buf_release(&out);
    cenv_task_release(&task);
    cenv_index_free(index);
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_task_facts__tell_what_a_solve_worked_on);
    return check_report();
}
