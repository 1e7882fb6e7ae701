/* SPDX-License-Identifier: BSD-3-Clause */
/* Cancellation, progress, trace: see task.h. */
#include "base/task.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"

static const uint64_t POLL_EVERY_NS = 20u * 1000 * 1000;

void cenv_task_init(struct cenv_task *task, cenv_poll_fn poll, void *poll_ctx)
{
    *task = (struct cenv_task){
        .poll = poll, .poll_ctx = poll_ctx, .owner = cenv_thread_self()};
    cenv_mutex_init(&task->lock);
}

void cenv_task_release(struct cenv_task *task)
{
    cenv_free(task->spans);
    cenv_free(task->threads);
    cenv_fact_release(&task->facts);
    task->spans = NULL;
    task->threads = NULL;
    task->nr_spans = task->alloc_spans = task->nr_threads = task->alloc_threads = 0;
    cenv_mutex_destroy(&task->lock);
}

void cenv_task_cancel(struct cenv_task *task)
{
    atomic_store(&task->cancelled, 1);
}

int cenv_task_poll(struct cenv_task *task, struct cenv_error *err)
{
    if (task->poll && cenv_thread_is_self(task->owner)) {
        uint64_t now = cenv_clock_ns();
        if (now >= task->next_poll_ns) {
            task->next_poll_ns = now + POLL_EVERY_NS;
            if (task->poll(task->poll_ctx) != 0)
                cenv_task_cancel(task);
        }
    }
    if (atomic_load_explicit(&task->cancelled, memory_order_relaxed))
        return cenv_error_set(err, CENV_ECANCELLED, "interrupted");
    return 0;
}

static void show_progress(struct cenv_task *task, const char *text, uint64_t total)
{
    atomic_store(&task->done, 0);
    atomic_store(&task->total, total);
    atomic_store(&task->stage, text);
}

void cenv_task_progress(struct cenv_task *task, enum cenv_stage stage, uint64_t total)
{
    show_progress(task, cenv_stage_name(stage), total);
}

void cenv_task_advance(struct cenv_task *task, uint64_t done)
{
    atomic_fetch_add_explicit(&task->done, done, memory_order_relaxed);
}

/* Read by the poll function alone, which runs on the same thread. */
void cenv_task_wait(struct cenv_task *task, const char *holder)
{
    if (!cenv_thread_is_self(task->owner))
        return;
    if (holder)
        snprintf(task->waiting, sizeof(task->waiting), "wait for %s", holder);
    show_progress(task, holder ? task->waiting : NULL, 0);
}

struct cenv_span cenv_span_begin(enum cenv_stage stage, const char *what)
{
    struct cenv_span span = {.stage = stage, .start_ns = cenv_clock_ns()};
    snprintf(span.what, sizeof(span.what), "%s", what);
    return span;
}

/* The number of the calling thread; where there is no memory for it, that of the last one. */
static uint32_t number_thread(struct cenv_task *task)
{
    void *threads = task->threads;
    size_t i = 0;

    if (cenv_thread_is_self(task->owner))
        return 0;
    while (i < task->nr_threads && !cenv_thread_is_self(task->threads[i]))
        i++;
    if (i == task->nr_threads &&
        cenv_grow(&threads, &task->alloc_threads, i, sizeof(*task->threads))) {
        task->threads = threads;
        task->threads[task->nr_threads++] = cenv_thread_self();
    }
    return (uint32_t)(i < task->nr_threads ? i + 1 : task->nr_threads);
}

/* A span that finds no memory is lost: a trace must not make the work fail. */
void cenv_span_end(struct cenv_task *task, struct cenv_span *span)
{
    span->end_ns = cenv_clock_ns();
    cenv_mutex_lock(&task->lock);
    if (span->thread < CENV_SPAN_LANE)
        span->thread = number_thread(task);
    void *spans = task->spans;
    if (cenv_grow(&spans, &task->alloc_spans, task->nr_spans, sizeof(*span))) {
        task->spans = spans;
        task->spans[task->nr_spans++] = *span;
    }
    cenv_mutex_unlock(&task->lock);
}

void cenv_task_fact(struct cenv_task *task, const struct cenv_fact *fact)
{
    cenv_mutex_lock(&task->lock);
    cenv_fact_add(&task->facts, fact);
    cenv_mutex_unlock(&task->lock);
}
