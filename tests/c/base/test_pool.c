/* SPDX-License-Identifier: BSD-3-Clause */
/* base/pool: every job once, the failure of the lowest index, an end after a failure. */
#include "base/pool.h"

#include <stdatomic.h>

#include "check.h"

enum { JOBS = 300 };

struct work {
    atomic_int runs[JOBS];
    size_t fails_from; /* jobs from this one on fail */
};

static int run_one(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct work *work = ctx;
    (void)thread;
    atomic_fetch_add(&work->runs[index], 1);
    if (index >= work->fails_from)
        return cenv_error_set(err, CENV_EFAIL, "job %zu", index);
    return 0;
}

static void test_pool__runs_each_job_once(void)
{
    for (unsigned threads = 0; threads <= 4; threads++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct work work = {.fails_from = JOBS};
        struct cenv_task task;
        int others = 0;
        cenv_task_init(&task, NULL, NULL);
        CHECK_INT(cenv_pool_run(threads, JOBS, run_one, &work, &task, &err), 0);
        for (size_t i = 0; i < JOBS; i++)
            others += atomic_load(&work.runs[i]) != 1;
        CHECK_INT(others, 0);
        cenv_task_release(&task);
    }
}

static void test_pool__reports_the_lowest_failure(void)
{
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct work work = {.fails_from = 20};
        struct cenv_task task;
        cenv_task_init(&task, NULL, NULL);
        CHECK_INT(cenv_pool_run(threads, JOBS, run_one, &work, &task, &err),
                  CENV_EFAIL);
        CHECK_STR(err.message, "job 20");
        CHECK_INT(atomic_load(&work.runs[JOBS - 1]), 0);
        cenv_error_release(&err);
        cenv_task_release(&task);
    }
}

static void test_pool__stops_when_cancelled(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct work work = {.fails_from = JOBS};
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    cenv_task_cancel(&task);
    CHECK_INT(cenv_pool_run(3, JOBS, run_one, &work, &task, &err), CENV_ECANCELLED);
    CHECK_INT(atomic_load(&work.runs[0]), 0);
    cenv_error_release(&err);
    cenv_task_release(&task);
}

int main(void)
{
    RUN(test_pool__runs_each_job_once);
    RUN(test_pool__reports_the_lowest_failure);
    RUN(test_pool__stops_when_cancelled);
    return check_report();
}
