/* SPDX-License-Identifier: BSD-3-Clause */
/* api/task_spans: what a task recorded, as JSON that parses whatever was worked on. */
#include "base/task.h"

#include "cenv.h"
#include "check.h"
#include "codec/json.h"

static void record(struct cenv_task *task, enum cenv_stage stage, const char *what)
{
    struct cenv_span span = cenv_span_begin(stage, what);
    span.items = 3;
    span.hits = 1;
    snprintf(span.miss_reason, sizeof(span.miss_reason), "not \"there\"");
    cenv_span_end(task, &span);
}

static void test_task_spans__tell_all_that_was_recorded(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *list = NULL;
    struct cenv_task task;
    struct cenv_buf out;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 4096);
    record(&task, CENV_STAGE_PROCESS_MANIFEST, "a\"b\n\xff");
    record(&task, CENV_STAGE_SOLVE, "");
    CHECK_INT(cenv_task_spans_json(&task, &out, &err), 0);
    if (CHECK_INT(cenv_json_parse(&list, cenv_buf_str(&out), "spans", &err), 0)) {
        const struct cenv_json *first = cenv_json_first(list);
        double start = 0, end = 0;
        CHECK_INT(cenv_json_len(list), 2);
        CHECK_STR(cenv_json_get_cstr(first, "stage"), "process manifest");
        CHECK_STR(cenv_json_get_cstr(first, "what"), "a\"b\n\xef\xbf\xbd");
        CHECK_STR(cenv_json_get_cstr(first, "reason"), "not \"there\"");
        CHECK_INT(cenv_json_get_int(first, "items", 0), 3);
        CHECK_INT(cenv_json_get_int(first, "hits", 0), 1);
        CHECK(cenv_json_double(cenv_json_get(first, "start"), &start));
        CHECK(cenv_json_double(cenv_json_get(first, "end"), &end));
        CHECK(start > 0 && end >= start);
        CHECK_STR(cenv_json_get_cstr(cenv_json_next(first), "stage"), "solve");
    }
    cenv_json_free(list);
    cenv_buf_release(&out);
    cenv_task_release(&task);
}

static void test_task_spans__fail_where_there_is_no_room(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 16);
    record(&task, CENV_STAGE_SOLVE, "");
    CHECK_INT(cenv_task_spans_json(&task, &out, &err), CENV_ENOMEM);
    cenv_buf_release(&out);
    cenv_task_release(&task);
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_task_spans__tell_all_that_was_recorded);
    RUN(test_task_spans__fail_where_there_is_no_room);
    return check_report();
}
