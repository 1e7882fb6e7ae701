/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads by POSIX's interface, which every system we know has: see thread.h. */
#include "base/thread.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static unsigned start_all(struct cenv_thread *threads, unsigned nr,
                          void *(*main)(void *arg), char *args, size_t size)
{
    unsigned started = 0;
    while (started < nr &&
           pthread_create(&threads[started].id, NULL, main, args + started * size) == 0)
        started++;
    return started;
}

unsigned cenv_threads_start(struct cenv_thread *threads, unsigned nr,
                            void *(*main)(void *arg), void *args, size_t size)
{
#ifdef _WIN32 /* it has no signals that would come to a thread */
    return start_all(threads, nr, main, args, size);
#else
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    unsigned started = start_all(threads, nr, main, args, size);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
#endif
}

void cenv_threads_join(struct cenv_thread *threads, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++)
        pthread_join(threads[i].id, NULL);
}

#ifdef __APPLE__ /* where a wait tells how long, and takes no other clock */
void cenv_cond_init(struct cenv_cond *c)
{
    pthread_cond_init(&c->cond, NULL);
}

void cenv_cond_wait_for(struct cenv_cond *c, struct cenv_mutex *held, uint32_t ns)
{
    struct timespec span = {.tv_nsec = (long)ns};
    pthread_cond_timedwait_relative_np(&c->cond, &held->lock, &span);
}
#else
void cenv_cond_init(struct cenv_cond *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->cond, &attr);
    pthread_condattr_destroy(&attr);
}

void cenv_cond_wait_for(struct cenv_cond *c, struct cenv_mutex *held, uint32_t ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ns;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&c->cond, &held->lock, &until);
}
#endif
