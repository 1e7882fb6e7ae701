/* SPDX-License-Identifier: BSD-3-Clause */
/* What a long call reports while it runs: cancellation, progress, and the stages of the trace. */
#ifndef CENV_BASE_TASK_H
#define CENV_BASE_TASK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/fact.h"
#include "base/mutex.h"
#include "base/stage.h"
#include "base/thread.h"

/* One span of work; `what` names the thing ("numpy-1.2-0", copied) or is "". */
struct cenv_span {
    enum cenv_stage stage;
    char what[128];
    uint64_t start_ns, end_ns;
    uint32_t thread; /* 0 the caller's, 1.. others as they come up; or a lane */
    uint64_t items, bytes, hits, misses;
    char miss_reason[64]; /* why the cache missed, or "" */
};

/* Returns 0 to go on, anything else to cancel. Runs only on the thread that made the call. */
typedef int (*cenv_poll_fn)(void *ctx);

/*
 * Owned by the caller of an operation, one per call; every op takes one, never NULL. Progress is
 * readable from any thread while the call runs.
 */
struct cenv_task {
    cenv_poll_fn poll; /* or NULL */
    void *poll_ctx;
    struct cenv_thread owner; /* made the call */
    uint64_t next_poll_ns;
    atomic_int cancelled;
    /* Outlives the task, which knows none without (NULL). */
    struct cenv_checked *checked;
    _Atomic(const char *) stage; /* what runs now, for the progress display */
    char waiting[160];           /* the stage while somebody else is waited for */
    /* In bytes or items, as the stage has it; total 0: unknown. */
    atomic_ullong done, total;

    struct cenv_mutex lock; /* guards what follows */
    struct cenv_span *spans;
    size_t nr_spans, alloc_spans;
    struct cenv_thread *threads; /* those that ended spans, but the owner */
    size_t nr_threads, alloc_threads;
    struct cenv_facts facts;
};

/* The first lane: what goes on side by side on one thread, as transfers do, has a lane each. */
enum { CENV_SPAN_LANE = 1000 };

void cenv_task_init(struct cenv_task *task, cenv_poll_fn poll, void *poll_ctx);
void cenv_task_release(struct cenv_task *task);

/*
 * Cheap: call it in every loop that can last. On the owner's thread it runs the poll function at
 * most every 20 ms; on others it looks at the flag. Returns 0 or CENV_ECANCELLED (err set).
 */
int cenv_task_poll(struct cenv_task *task, struct cenv_error *err);

/* Asks the operation to stop; from any thread or a signal handler. */
void cenv_task_cancel(struct cenv_task *task);

/* Progress: name the running stage and its total; add to what is done. */
void cenv_task_progress(struct cenv_task *task, enum cenv_stage stage, uint64_t total);
void cenv_task_advance(struct cenv_task *task, uint64_t done);

/* Progress while `holder` ("process 12 on host since ...", copied) has what the owner's thread
 * waits for: the stage is then "wait for <holder>". NULL: no longer. Other threads' waits are
 * not shown. */
void cenv_task_wait(struct cenv_task *task, const char *holder);

/* A span starting now; fill items, bytes, hits, misses; end records it (a copy) as one of the
 * thread that calls it, or of the lane that `thread` was set to. */
struct cenv_span cenv_span_begin(enum cenv_stage stage, const char *what);
void cenv_span_end(struct cenv_task *task, struct cenv_span *span);

/* Adds a copy of a fact; from any thread. */
void cenv_task_fact(struct cenv_task *task, const struct cenv_fact *fact);

#endif
