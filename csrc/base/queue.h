/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers handed from one thread to others, in order: what is ready to be worked on. */
#ifndef CENV_BASE_QUEUE_H
#define CENV_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mutex.h"
#include "base/task.h"
#include "base/thread.h"

struct cenv_queue {
    struct cenv_mutex lock;
    struct cenv_cond changed;
    size_t *items;
    size_t nr, alloc, next;
    bool closed;
};

/* Room for `max` items in all; false when out of memory. */
bool cenv_queue_init(struct cenv_queue *queue, size_t max);
void cenv_queue_release(struct cenv_queue *queue);

void cenv_queue_push(struct cenv_queue *queue, size_t item);
/* Nothing more will come; from any thread, any number of times. */
void cenv_queue_close(struct cenv_queue *queue);

/* Waits for the next item, polling `task`: 1 with it, 0 when closed and empty, or a status. */
int cenv_queue_pop(struct cenv_queue *queue, size_t *item, struct cenv_task *task,
                   struct cenv_error *err);

#endif
