/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads and waiting for one another. */
#include "base/thread.h"

#include <signal.h>

#include "check.h"

enum { NR = 4 };

struct shared {
    struct cenv_mutex lock;
    struct cenv_cond changed;
    unsigned arrived;
    bool open;
};

struct arg {
    struct shared *shared;
    unsigned number;
    bool ran, blocked, other;
    struct cenv_thread starter;
};

/* Arrives, and stays until the door is opened. */
static void *wait_for_door(void *at)
{
    struct arg *arg = at;
    struct shared *shared = arg->shared;
    sigset_t set;

    pthread_sigmask(SIG_BLOCK, NULL, &set);
    arg->blocked = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM);
    arg->other = !cenv_thread_is_self(arg->starter);
    cenv_mutex_lock(&shared->lock);
    shared->arrived++;
    cenv_cond_broadcast(&shared->changed);
    while (!shared->open)
        cenv_cond_wait(&shared->changed, &shared->lock);
    cenv_mutex_unlock(&shared->lock);
    arg->ran = true;
    return NULL;
}

static void test_thread__run_with_their_arguments_and_no_signals(void)
{
    struct shared shared = {.arrived = 0};
    struct cenv_thread threads[NR];
    struct arg args[NR];
    sigset_t set;

    cenv_mutex_init(&shared.lock);
    cenv_cond_init(&shared.changed);
    for (unsigned i = 0; i < NR; i++)
        args[i] =
            (struct arg){.shared = &shared, .number = i, .starter = cenv_thread_self()};
    unsigned nr = cenv_threads_start(threads, NR, wait_for_door, args, sizeof(args[0]));
    CHECK_INT(nr, NR);
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    CHECK(!sigismember(&set, SIGINT)); /* the starter's own are as they were */
    cenv_mutex_lock(&shared.lock);
    while (shared.arrived < nr)
        cenv_cond_wait(&shared.changed, &shared.lock);
    shared.open = true;
    cenv_cond_broadcast(&shared.changed);
    cenv_mutex_unlock(&shared.lock);
    cenv_threads_join(threads, nr);
    for (unsigned i = 0; i < nr; i++)
        CHECK(args[i].ran && args[i].blocked && args[i].other && args[i].number == i);
    cenv_cond_destroy(&shared.changed);
    cenv_mutex_destroy(&shared.lock);
}

/* A wait that nobody ends is over by itself, with the mutex held again. */
static void test_thread__wait_for_ends_without_a_signal(void)
{
    struct shared shared = {.arrived = 0};

    cenv_mutex_init(&shared.lock);
    cenv_cond_init(&shared.changed);
    cenv_mutex_lock(&shared.lock);
    cenv_cond_wait_for(&shared.changed, &shared.lock, 1000);
    cenv_mutex_unlock(&shared.lock);
    CHECK_INT(shared.arrived, 0);
    cenv_cond_destroy(&shared.changed);
    cenv_mutex_destroy(&shared.lock);
}

int main(void)
{
    RUN(test_thread__run_with_their_arguments_and_no_signals);
    RUN(test_thread__wait_for_ends_without_a_signal);
    return check_report();
}
