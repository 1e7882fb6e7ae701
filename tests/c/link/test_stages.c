/* SPDX-License-Identifier: BSD-3-Clause */
/* Stages of a report: spans that overlap count once, in order of first start. */
#include "link/stages.h"

#include "check.h"

static void add_span(struct cenv_task *task, enum cenv_stage stage, uint64_t from,
                     uint64_t to, uint64_t items)
{
    struct cenv_span span = cenv_span_begin(stage, "");
    span.items = items;
    cenv_span_end(task, &span);
    task->spans[task->nr_spans - 1].start_ns = from;
    task->spans[task->nr_spans - 1].end_ns = to;
}

static void test_stages__unite_overlapping_spans(void)
{
    const uint64_t s = 1000000000;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json_writer w;
    struct cenv_task task;
    struct cenv_buf out;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 16);
    add_span(&task, CENV_STAGE_LINK, 5 * s, 9 * s, 7);
    add_span(&task, CENV_STAGE_EXTRACT, 2 * s, 4 * s, 1);
    add_span(&task, CENV_STAGE_EXTRACT, 1 * s, 3 * s, 2);
    add_span(&task, CENV_STAGE_EXTRACT, 2 * s, 3 * s, 4);
    cenv_json_writer_init(&w, &out, 0);
    cenv_stages_write(&w, NULL, &task);
    CHECK_INT(cenv_json_writer_finish(&w, &err), 0);
    CHECK_STR(out.data, "[{\"name\":\"extract\",\"seconds\":3.000000000,\"items\":7,"
                        "\"bytes\":0,\"hits\":0,\"misses\":0},"
                        "{\"name\":\"link\",\"seconds\":4.000000000,\"items\":7,"
                        "\"bytes\":0,\"hits\":0,\"misses\":0}]");
    cenv_buf_release(&out);
    cenv_task_release(&task);
}

static void test_stages__are_none_without_spans(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json_writer w;
    struct cenv_task task;
    struct cenv_buf out;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 16);
    cenv_json_writer_init(&w, &out, 0);
    cenv_stages_write(&w, NULL, &task);
    CHECK_INT(cenv_json_writer_finish(&w, &err), 0);
    CHECK_STR(out.data, "[]");
    cenv_buf_release(&out);
    cenv_task_release(&task);
}

int main(void)
{
    RUN(test_stages__unite_overlapping_spans);
    RUN(test_stages__are_none_without_spans);
    return check_report();
}
