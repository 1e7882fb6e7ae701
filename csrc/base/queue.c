/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue between threads: see queue.h. */
#include "base/queue.h"

#include <assert.h>
#include <time.h>

#include "base/alloc.h"

enum { WAIT_NS = 50000000 };

/*
 * macOS waits by the time of day only. What is waited for is a poll, so a clock that jumps is
 * harmless.
 */
#if defined(__APPLE__)
enum { WAIT_CLOCK = CLOCK_REALTIME };
#else
enum { WAIT_CLOCK = CLOCK_MONOTONIC };
#endif

/* A condition that is waited for by WAIT_CLOCK. */
static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
#if !defined(__APPLE__)
    pthread_condattr_setclock(&attr, WAIT_CLOCK);
#endif
    pthread_cond_init(condition, &attr);
    pthread_condattr_destroy(&attr);
}

int cenv_queue_init(struct cenv_queue *queue, size_t max)
{
    *queue = (struct cenv_queue){.alloc = max};
    queue->items = cenv_calloc(max ? max : 1, sizeof(*queue->items));
    pthread_mutex_init(&queue->lock, NULL);
    init_condition(&queue->changed);
    return queue->items ? 0 : -1;
}

void cenv_queue_release(struct cenv_queue *queue)
{
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    cenv_free(queue->items);
}

void cenv_queue_push(struct cenv_queue *queue, size_t item)
{
    pthread_mutex_lock(&queue->lock);
    assert(queue->nr < queue->alloc);
    queue->items[queue->nr++] = item;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void cenv_queue_close(struct cenv_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* Until something changes, or it is time to poll. */
static void wait_a_little(struct cenv_queue *queue)
{
    struct timespec until;

    clock_gettime(WAIT_CLOCK, &until);
    until.tv_nsec += WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&queue->changed, &queue->lock, &until);
}

int cenv_queue_pop(struct cenv_queue *queue, size_t *item, struct cenv_task *task,
                   struct cenv_error *err)
{
    int rc = 0;

    pthread_mutex_lock(&queue->lock);
    while (rc == 0 && queue->next == queue->nr && !queue->closed) {
        wait_a_little(queue);
        pthread_mutex_unlock(&queue->lock); /* the poll function may do anything */
        rc = cenv_task_poll(task, err);
        pthread_mutex_lock(&queue->lock);
    }
    if (rc == 0 && queue->next < queue->nr) {
        *item = queue->items[queue->next++];
        rc = 1;
    }
    pthread_mutex_unlock(&queue->lock);
    return rc;
}
