/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks of a store. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "store/store_lock.h"
#include "storekit.h"

/* A child that holds the lock until its death. */
static pid_t start_holder(struct storekit *k, const char *key)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct cenv_lock *lock;
        int rc = cenv_store_lock_try(k->store, key, &lock, &k->err);
        if (rc == 0)
            rc = (int)write(ends[1], "x", 1);
        pause();
        _exit(rc);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void test_store_lock__is_had_when_its_holder_is_killed(void)
{
    struct storekit k = storekit_open();
    struct cenv_lock *lock;
    pid_t pid = start_holder(&k, "template-1");
    CHECK_INT(cenv_store_lock_try(k.store, "template-1", &lock, &k.err), 1);
    cenv_buf_clear(&k.out);
    cenv_lock_holder(k.store->dirs[CENV_STORE_LOCKS], "template-1", &k.out);
    char want[64];
    snprintf(want, sizeof(want), "process %ld on ", (long)pid);
    CHECK(k.out.data && strncmp(k.out.data, want, strlen(want)) == 0);
    kill(pid, SIGKILL);
    CHECK_INT(cenv_store_lock_take(k.store, "template-1", &lock, &k.task, &k.err), 0);
    waitpid(pid, NULL, 0);
    cenv_store_lock_release(k.store, "template-1", lock);
    CHECK_INT(storekit_count(&k, CENV_STORE_LOCKS), 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_store_lock__is_had_when_its_holder_is_killed);
    return check_report();
}
