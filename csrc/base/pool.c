/* SPDX-License-Identifier: BSD-3-Clause */
/* Fork-join parallelism: see pool.h. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/alloc.h"

struct pool {
    cenv_job_fn job;
    void *ctx;
    struct cenv_task *task;
    size_t nr;
    atomic_size_t next;
    atomic_int stop;
    pthread_mutex_t lock; /* guards failed_index and err */
    size_t failed_index;
    struct cenv_error *err;
};

struct worker {
    struct pool *pool;
    pthread_t thread;
    unsigned number;
};

static void note_failure(struct pool *pool, size_t index, struct cenv_error *err)
{
    pthread_mutex_lock(&pool->lock);
    if (index < pool->failed_index) {
        cenv_error_release(pool->err);
        cenv_error_move(pool->err, err);
        pool->failed_index = index;
    }
    pthread_mutex_unlock(&pool->lock);
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

/* Signals belong to the host's own threads: workers start with all of them blocked. */
static unsigned start_workers(struct worker *workers, unsigned nr, struct pool *pool)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    unsigned started = 0;
    while (started < nr) {
        struct worker *worker = &workers[started];
        *worker = (struct worker){.pool = pool, .number = started + 1};
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            break;
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
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
    pthread_mutex_init(&pool.lock, NULL);
    unsigned started = workers ? start_workers(workers, extra, &pool) : 0;
    run_jobs(&pool, 0);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&pool.lock);
    cenv_free(workers);
    return err->status;
}
