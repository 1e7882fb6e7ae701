/* SPDX-License-Identifier: BSD-3-Clause */
/* The error of a refuted request: one message, one hint, and a detail that has the whole. */
#include "base/alloc.h"
#include "check.h"
#include "codec/json.h"
#include "explain/explain.h"
#include "repodata/index.h"

static struct cenv_index *open_text(const char *text)
{
    const struct cenv_index_source source = {.channel = "chan",
                                             .channel_url = "https://host/chan",
                                             .subdir = "linux-64",
                                             .path = "text",
                                             .data = text,
                                             .len = strlen(text)};
    struct cenv_index *index = NULL;
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_index_open(&index, &source, 1, NULL, &task, &err), 0);
    cenv_task_release(&task);
    cenv_error_release(&err);
    return index;
}

/* Explains why `json` has no solution; the detail as a tree, which the caller frees. */
static struct cenv_json *explain(const char *text, const char *json,
                                 struct cenv_error *err)
{
    struct cenv_index *index = open_text(text);
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error own = CENV_ERROR_INIT;
    struct cenv_request request;
    struct cenv_task task;
    struct cenv_json *detail = NULL;
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(
        cenv_request_parse(&request, json, cenv_index_spec_table(index), &arena, err),
        0);
    CHECK_INT(cenv_explain_unsat(index, &request, &task, err), CENV_EUNSAT);
    if (CHECK(err->detail))
        CHECK_INT(cenv_json_parse(&detail, cenv_str(err->detail), "detail", &own), 0);
    cenv_task_release(&task);
    cenv_arena_release(&arena);
    cenv_index_free(index);
    return detail;
}

static char *print(const struct cenv_json *value)
{
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 20);
    cenv_json_print(value, 0, &out);
    return cenv_buf_detach(&out);
}

#define REC(name, version, depends) \
    "\"" name "-" version "-0.conda\":{\"name\":\"" name "\",\"version\":\"" version \
    "\",\"build\":\"0\",\"build_number\":0,\"depends\":[" depends "]}"

static const char small_text[] =
    "{\"packages.conda\":{" REC("numpy", "1.0", "") "," REC("numpy", "2.0", "") "," REC(
        "pandas", "1.0", "\"numpy <2\"") "," REC("scipy", "1.0", "") "}}";

static void test_explain__says_what_is_near_a_missing_name(void)
{
    static const struct {
        const char *request, *message, *hint, *not_found;
    } cases[] = {
        {"{\"specs\":[\"numpi\"]}", "no channel has a package named numpi",
         "did you mean numpy?", "[{\"name\":\"numpi\",\"near\":[\"numpy\"]}]"},
        {"{\"specs\":[\"numpi\",\"scipi\"]}",
         "no channel has a package named numpi\nno channel has a package named scipi",
         "did you mean numpy?; did you mean scipy?",
         "[{\"name\":\"numpi\",\"near\":[\"numpy\"]},{\"name\":\"scipi\","
         "\"near\":[\"scipy\"]}]"},
        {"{\"specs\":[\"qqqqqq\"]}", "no channel has a package named qqqqqq",
         "check the spelling, or add the channel that has it",
         "[{\"name\":\"qqqqqq\",\"near\":[]}]"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(cases[i].request);
        struct cenv_json *detail = explain(small_text, cases[i].request, &err);
        char *found = print(cenv_json_get(detail, "not_found"));
        CHECK_STR(err.message, cases[i].message);
        CHECK_STR(cenv_json_get_cstr(detail, "message"), cases[i].message);
        CHECK_STR(err.hint, cases[i].hint);
        CHECK_STR(found, cases[i].not_found);
        cenv_free(found);
        cenv_json_free(detail);
        cenv_error_release(&err);
    }
}

static void test_explain__offers_ways_that_were_tried(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *detail =
        explain(small_text, "{\"specs\":[\"pandas\",\"numpy=2\"]}", &err);
    char *conflict = print(cenv_json_get(detail, "conflict"));
    char *relax = print(cenv_json_get(detail, "relax"));
    CHECK_STR(err.hint, "try without pandas, or numpy 1.0 instead of numpy=2");
    CHECK_STR(conflict, "[\"pandas\",\"numpy=2\"]");
    CHECK_STR(relax, "[{\"items\":[\"pandas\"]},{\"items\":[\"numpy=2\"],\"works\":"
                     "\"numpy 1.0\"}]");
    cenv_free(conflict);
    cenv_free(relax);
    cenv_json_free(detail);
    cenv_error_release(&err);
}

/* What the error cannot hold ends at a whole line; the detail has all of it. */
static void test_explain__has_the_whole_message_in_its_detail(void)
{
    struct cenv_buf request;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_buf_init(&request, 1 << 16);
    cenv_buf_puts(&request, "{\"specs\":[");
    for (int i = 0; i < 100; i++)
        cenv_buf_addf(&request, "%s\"nowhere-to-be-found-%02d\"", i ? "," : "", i);
    cenv_buf_puts(&request, "]}");
    struct cenv_json *detail = explain(small_text, request.data, &err);
    const char *whole = cenv_json_get_cstr(detail, "message");
    size_t len = strlen(err.message);
    CHECK(len < CENV_MESSAGE_MAX && len > CENV_MESSAGE_MAX - 256);
    if (CHECK(len > 4 && strcmp(err.message + len - 4, "\n...") == 0) && CHECK(whole)) {
        CHECK_MEM(whole, err.message, len - 4);
        CHECK_INT(whole[len - 4], '\n');
        CHECK(strstr(whole, "named nowhere-to-be-found-99"));
    }
    cenv_json_free(detail);
    cenv_error_release(&err);
    cenv_buf_release(&request);
}

int main(void)
{
    RUN(test_explain__says_what_is_near_a_missing_name);
    RUN(test_explain__offers_ways_that_were_tried);
    RUN(test_explain__has_the_whole_message_in_its_detail);
    return check_report();
}
