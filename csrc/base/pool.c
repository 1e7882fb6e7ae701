/* SPDX-License-Identifier: BSD-3-Clause */
/* Fork-join parallelism: see pool.h. */
#include "base/pool.h"

#include <stdatomic.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/mutex.h"
#include "base/thread.h"

struct pool {
    cenv_job_fn job;
    void *ctx;
    struct cenv_task *task;
    size_t nr;
    atomic_size_t next;
    atomic_int stop;
    struct cenv_mutex lock; /* guards failed_index and err */
    size_t failed_index;
    struct cenv_error *err;
};

struct worker {
    struct pool *pool;
    unsigned number;
};

static void note_failure(struct pool *pool, size_t index, struct cenv_error *err)
{
    cenv_mutex_lock(&pool->lock);
    if (index < pool->failed_index) {
        cenv_error_release(pool->err);
        cenv_error_move(pool->err, err);
        pool->failed_index = index;
    }
    cenv_mutex_unlock(&pool->lock);
    cenv_error_release(err);
    atomic_store(&pool->stop, 1);
}

static void run_jobs(struct pool *pool, unsigned thread)
{
    struct cenv_error err = CENV_ERROR_INIT;
    while (!atomic_load_explicit(&pool->stop, memory_order_relaxed)) {
        size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->nr)
            return;
        int rc = cenv_task_poll(pool->task, &err);
        if (rc == 0)
            rc = pool->job(pool->ctx, index, thread, &err);
        if (rc != 0)
            note_failure(pool, index, &err);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    run_jobs(worker->pool, worker->number);
    return NULL;
}

/* Runs all jobs on the calling thread and on `extra` others, as far as they can be started. */
static void run_on_threads(struct pool *pool, struct worker *workers,
                           struct cenv_thread *threads, unsigned extra)
{
    for (unsigned i = 0; i < extra; i++)
        workers[i] = (struct worker){pool, i + 1};
    unsigned started =
        cenv_threads_start(threads, extra, worker_main, workers, sizeof(*workers));
    run_jobs(pool, 0);
    cenv_threads_join(threads, started);
}

int cenv_pool_run(unsigned threads, size_t nr, cenv_job_fn job, void *ctx,
                  struct cenv_task *task, struct cenv_error *err)
{
    struct pool pool = {.job = job,
                        .ctx = ctx,
                        .task = task,
                        .nr = nr,
                        .failed_index = SIZE_MAX,
                        .err = err};
    unsigned extra = threads > 1 ? threads - 1 : 0;
    extra = nr < 2 ? 0 : (extra > nr - 1 ? (unsigned)(nr - 1) : extra);
    struct worker *workers = extra ? cenv_calloc(extra, sizeof(*workers)) : NULL;
    struct cenv_thread *others = workers ? cenv_calloc(extra, sizeof(*others)) : NULL;
    cenv_mutex_init(&pool.lock);
    run_on_threads(&pool, workers, others, others ? extra : 0);
    cenv_mutex_destroy(&pool.lock);
    cenv_free(others);
    cenv_free(workers);
    return err->status;
}
