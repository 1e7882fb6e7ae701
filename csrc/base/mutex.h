/* SPDX-License-Identifier: BSD-3-Clause */
/* A lock among the threads of this process, for what they share and somebody still adds to. */
#ifndef CENV_BASE_MUTEX_H
#define CENV_BASE_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

/* Held for moments only, never across a call that may wait for another thread. */
struct cenv_mutex {
    pthread_mutex_t lock;
};

/* For a lock of static storage, which is never destroyed. */
#define CENV_MUTEX_INIT \
    { \
        PTHREAD_MUTEX_INITIALIZER \
    }

static inline void cenv_mutex_init(struct cenv_mutex *m)
{
    pthread_mutex_init(&m->lock, NULL);
}

static inline void cenv_mutex_destroy(struct cenv_mutex *m)
{
    pthread_mutex_destroy(&m->lock);
}

static inline void cenv_mutex_lock(struct cenv_mutex *m)
{
    pthread_mutex_lock(&m->lock);
}

static inline bool cenv_mutex_try(struct cenv_mutex *m)
{
    return pthread_mutex_trylock(&m->lock) == 0;
}

static inline void cenv_mutex_unlock(struct cenv_mutex *m)
{
    pthread_mutex_unlock(&m->lock);
}

#endif
