/* SPDX-License-Identifier: BSD-3-Clause */
/* base/queue: order, closing, waiting threads, cancellation. */
#include "base/queue.h"

#include "base/pool.h"
#include "check.h"

static void test_queue__keeps_order_and_ends(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_queue queue;
    struct cenv_task task;
    size_t item = 99;

    cenv_task_init(&task, NULL, NULL);
    CHECK(cenv_queue_init(&queue, 2));
    cenv_queue_push(&queue, 7);
    cenv_queue_push(&queue, 5);
    cenv_queue_close(&queue);
    CHECK(cenv_queue_pop(&queue, &item, &task, &err) == 1 && item == 7);
    CHECK(cenv_queue_pop(&queue, &item, &task, &err) == 1 && item == 5);
    CHECK(cenv_queue_pop(&queue, &item, &task, &err) == 0 && item == 5);
    cenv_queue_release(&queue);
    cenv_task_release(&task);
}

enum { JOBS = 200 };

struct shared {
    struct cenv_queue queue;
    struct cenv_task task;
    unsigned char got[JOBS];
};

/* Job 0 produces; each of the others takes one. */
static int job(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct shared *shared = ctx;
    size_t item;

    (void)thread;
    if (index == 0) {
        for (size_t i = 0; i < JOBS; i++)
            cenv_queue_push(&shared->queue, i);
        cenv_queue_close(&shared->queue);
        return 0;
    }
    if (cenv_queue_pop(&shared->queue, &item, &shared->task, err) == 1)
        shared->got[item]++;
    return 0;
}

static void test_queue__hands_each_item_to_one(void)
{
    static const unsigned threads[] = {1, 4};

    for (size_t i = 0; i < CHECK_NR(threads); i++) {
        struct shared shared = {.got = {0}};
        struct cenv_error err = CENV_ERROR_INIT;
        cenv_task_init(&shared.task, NULL, NULL);
        cenv_queue_init(&shared.queue, JOBS);
        CHECK_INT(cenv_pool_run(threads[i], JOBS + 1, job, &shared, &shared.task, &err),
                  0);
        for (size_t k = 0; k < JOBS; k++)
            CHECK_INT(shared.got[k], 1);
        cenv_queue_release(&shared.queue);
        cenv_task_release(&shared.task);
    }
}

static int stop(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_queue__waiting_can_be_cancelled(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_queue queue;
    struct cenv_task task;
    size_t item;

    cenv_task_init(&task, stop, NULL);
    cenv_queue_init(&queue, 1);
    CHECK_INT(cenv_queue_pop(&queue, &item, &task, &err), CENV_ECANCELLED);
    cenv_queue_release(&queue);
    cenv_task_release(&task);
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_queue__keeps_order_and_ends);
    RUN(test_queue__hands_each_item_to_one);
    RUN(test_queue__waiting_can_be_cancelled);
    return check_report();
}
