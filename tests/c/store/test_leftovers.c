/* SPDX-License-Identifier: BSD-3-Clause */
/* What dead processes leave in a store. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "store/leftovers.h"
#include "store/scratch.h"
#include "store/store_lock.h"
#include "store/sweep_list.h"
#include "storekit.h"

static void die_with_lock(struct storekit *k)
{
    struct cenv_lock *lock;
    if (cenv_store_lock_try(k->store, "template-1", &lock, &k->err) == 0)
        raise(SIGKILL);
}

static void die_with_scratch(struct storekit *k)
{
    struct cenv_scratch scratch;
    if (cenv_scratch_open(k->store, &scratch, &k->err) == 0)
        raise(SIGKILL);
}

static void run_to_death(struct storekit *k, void (*work)(struct storekit *k))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        work(k);
        _exit(1);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
}

static void sweep_store(struct storekit *k)
{
    struct cenv_sweep sweep = {.store = k->store, .task = &k->task};
    CHECK_INT(cenv_scratch_sweep(&sweep, &k->err), 0);
    CHECK_INT(cenv_leftovers_sweep_locks(k->store, &k->task, &k->err), 0);
}

static void test_leftovers__are_those_of_the_dead(void)
{
    static void (*const works[])(struct storekit *) = {die_with_lock, die_with_scratch};
    for (size_t i = 0; i < CHECK_NR(works); i++) {
        struct storekit k = storekit_open();
        CHECK(!cenv_store_has_leftovers(k.store));
        run_to_death(&k, works[i]);
        CHECK(cenv_store_has_leftovers(k.store));
        sweep_store(&k);
        CHECK(!cenv_store_has_leftovers(k.store));
        CHECK_INT(storekit_count(&k, CENV_STORE_LOCKS), 0);
        CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
        storekit_close(&k);
    }
}

static void test_leftovers__are_none_of_the_living(void)
{
    struct storekit k = storekit_open();
    struct cenv_scratch scratch;
    struct cenv_lock *lock;
    CHECK_INT(cenv_scratch_open(k.store, &scratch, &k.err), 0);
    CHECK_INT(cenv_store_lock_try(k.store, "template-1", &lock, &k.err), 0);
    CHECK(!cenv_store_has_leftovers(k.store));
    sweep_store(&k);
    CHECK_INT(storekit_count(&k, CENV_STORE_LOCKS), 1);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 2);
    cenv_store_lock_release(k.store, "template-1", lock);
    cenv_scratch_close(k.store, &scratch);
    CHECK(!cenv_store_has_leftovers(k.store));
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_leftovers__are_those_of_the_dead);
    RUN(test_leftovers__are_none_of_the_living);
    return check_report();
}
