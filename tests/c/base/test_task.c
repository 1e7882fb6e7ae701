/* SPDX-License-Identifier: BSD-3-Clause */
/* base/task: polling, cancellation, progress, spans. */
#include "base/task.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "check.h"

static int count_and_stop(void *ctx)
{
    return ++*(int *)ctx >= 1;
}

static void test_task__poll_function_cancels(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    int calls = 0;
    cenv_task_init(&task, count_and_stop, &calls);
    CHECK_INT(cenv_task_poll(&task, &err), CENV_ECANCELLED);
    CHECK_INT(cenv_task_poll(&task, &err), CENV_ECANCELLED);
    CHECK_INT(calls, 1); /* no oftener than every 20 ms */
    CHECK_STR(err.message, "interrupted");
    cenv_error_release(&err);
    cenv_task_release(&task);
}

static void test_task__shows_what_it_waits_for(void)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    cenv_task_progress(&task, CENV_STAGE_EXTRACT, 10);
    cenv_task_advance(&task, 4);
    CHECK_STR(atomic_load(&task.stage), "extract");
    CHECK_INT(atomic_load(&task.done), 4);
    CHECK_INT(atomic_load(&task.total), 10);
    cenv_task_wait(&task, "process 12");
    CHECK_STR(atomic_load(&task.stage), "wait for process 12");
    CHECK_INT(atomic_load(&task.total), 0);
    cenv_task_wait(&task, NULL);
    CHECK(!atomic_load(&task.stage));
    cenv_task_release(&task);
}

static void test_task__records_copies_of_spans(void)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    uint64_t before = cenv_clock_ns();
    struct cenv_span span = cenv_span_begin(CENV_STAGE_LINK, "numpy");
    span.bytes = 9;
    cenv_span_end(&task, &span);
    span.bytes = 1;
    if (CHECK_INT(task.nr_spans, 1)) {
        CHECK_INT(task.spans[0].stage, CENV_STAGE_LINK);
        CHECK_STR(task.spans[0].what, "numpy");
        CHECK_INT(task.spans[0].bytes, 9);
        CHECK(task.spans[0].start_ns >= before);
        CHECK(task.spans[0].end_ns >= task.spans[0].start_ns);
    }
    cenv_task_release(&task);
}

static void record_span(struct cenv_task *task)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_LINK, "");
    cenv_span_end(task, &span);
}

static void *record_two(void *task)
{
    record_span(task);
    record_span(task);
    return NULL;
}

static void test_task__numbers_threads_and_keeps_lanes(void)
{
    struct cenv_task task;
    struct cenv_thread other;
    cenv_task_init(&task, NULL, NULL);
    struct cenv_span lane = cenv_span_begin(CENV_STAGE_DOWNLOAD, "");
    lane.thread = CENV_SPAN_LANE + 3;
    cenv_span_end(&task, &lane);
    CHECK_INT(cenv_threads_start(&other, 1, record_two, &task, sizeof(task)), 1);
    cenv_threads_join(&other, 1);
    record_span(&task);
    if (CHECK_INT(task.nr_spans, 4)) {
        CHECK_INT(task.spans[0].thread, CENV_SPAN_LANE + 3);
        CHECK_INT(task.spans[1].thread, 1);
        CHECK_INT(task.spans[2].thread, 1);
        CHECK_INT(task.spans[3].thread, 0);
    }
    cenv_task_release(&task);
}

static void test_task__loses_a_span_without_memory(void)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    struct cenv_span span = cenv_span_begin(CENV_STAGE_LINK, "");
    cenv_alloc_fail_nth(1);
    cenv_span_end(&task, &span);
    cenv_alloc_fail_nth(0);
    CHECK_INT(task.nr_spans, 0);
    cenv_task_release(&task);
}

int main(void)
{
    RUN(test_task__poll_function_cancels);
    RUN(test_task__shows_what_it_waits_for);
    RUN(test_task__records_copies_of_spans);
    RUN(test_task__numbers_threads_and_keeps_lanes);
    RUN(test_task__loses_a_span_without_memory);
    return check_report();
}
