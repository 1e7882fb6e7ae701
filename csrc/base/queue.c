/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue between threads: see queue.h. */
#include "base/queue.h"

#include <assert.h>

#include "base/alloc.h"

enum { WAIT_NS = 50000000 };

bool cenv_queue_init(struct cenv_queue *queue, size_t max)
{
    *queue = (struct cenv_queue){.alloc = max};
    queue->items = cenv_calloc(max ? max : 1, sizeof(*queue->items));
    cenv_mutex_init(&queue->lock);
    cenv_cond_init(&queue->changed);
    return queue->items != NULL;
}

void cenv_queue_release(struct cenv_queue *queue)
{
    cenv_cond_destroy(&queue->changed);
    cenv_mutex_destroy(&queue->lock);
    cenv_free(queue->items);
}

void cenv_queue_push(struct cenv_queue *queue, size_t item)
{
    cenv_mutex_lock(&queue->lock);
    assert(queue->nr < queue->alloc);
    queue->items[queue->nr++] = item;
    cenv_cond_signal(&queue->changed);
    cenv_mutex_unlock(&queue->lock);
}

void cenv_queue_close(struct cenv_queue *queue)
{
    cenv_mutex_lock(&queue->lock);
    queue->closed = true;
    cenv_cond_broadcast(&queue->changed);
    cenv_mutex_unlock(&queue->lock);
}

int cenv_queue_pop(struct cenv_queue *queue, size_t *item, struct cenv_task *task,
                   struct cenv_error *err)
{
    int rc = 0;

    cenv_mutex_lock(&queue->lock);
    while (rc == 0 && queue->next == queue->nr && !queue->closed) {
        cenv_cond_wait_for(&queue->changed, &queue->lock, WAIT_NS);
        cenv_mutex_unlock(&queue->lock); /* the poll function may do anything */
        rc = cenv_task_poll(task, err);
        cenv_mutex_lock(&queue->lock);
    }
    if (rc == 0 && queue->next < queue->nr) {
        *item = queue->items[queue->next++];
        rc = 1;
    }
    cenv_mutex_unlock(&queue->lock);
    return rc;
}
