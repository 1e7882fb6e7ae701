/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of the core, and waiting for one another. */
#ifndef CENV_BASE_THREAD_H
#define CENV_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mutex.h"

/* One thread; started by the caller, which joins it. The struct may be copied. */
struct cenv_thread {
    pthread_t id;
};

/*
 * Starts up to `nr` threads in order, each with its element of `args` (of `size` bytes), and
 * returns how many run: fewer where the system has no more. Signals belong to the host's own
 * threads: these start with all of them blocked.
 */
unsigned cenv_threads_start(struct cenv_thread *threads, unsigned nr,
                            void *(*main)(void *arg), void *args, size_t size);
void cenv_threads_join(struct cenv_thread *threads, unsigned nr);

static inline struct cenv_thread cenv_thread_self(void)
{
    return (struct cenv_thread){pthread_self()};
}

/* Whether `thread` is the one that asks. */
static inline bool cenv_thread_is_self(struct cenv_thread thread)
{
    return pthread_equal(thread.id, pthread_self());
}

/* Wakes a thread that waits for a change of what a mutex guards. */
struct cenv_cond {
    pthread_cond_t cond;
};

void cenv_cond_init(struct cenv_cond *c);

static inline void cenv_cond_destroy(struct cenv_cond *c)
{
    pthread_cond_destroy(&c->cond);
}

static inline void cenv_cond_signal(struct cenv_cond *c)
{
    pthread_cond_signal(&c->cond);
}

static inline void cenv_cond_broadcast(struct cenv_cond *c)
{
    pthread_cond_broadcast(&c->cond);
}

static inline void cenv_cond_wait(struct cenv_cond *c, struct cenv_mutex *held)
{
    pthread_cond_wait(&c->cond, &held->lock);
}

/* Waits for a change, or until `ns` nanoseconds (less than a second) have passed. */
void cenv_cond_wait_for(struct cenv_cond *c, struct cenv_mutex *held, uint32_t ns);

#endif
