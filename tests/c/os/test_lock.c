/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks between processes. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/raw_file.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_error err = CENV_ERROR_INIT;
static struct cenv_task task;

static void open_scratch(void)
{
    s = scratch_open();
    cenv_task_init(&task, NULL, NULL);
}

static void close_scratch(void)
{
    cenv_task_release(&task);
    cenv_error_release(&err);
    scratch_close(&s);
}

static void test_lock__excludes_within_one_process(void)
{
    struct cenv_lock *a, *b, *c;
    open_scratch();
    CHECK_INT(cenv_lock_try(&a, s.fd, "l", CENV_LOCK_EXCLUSIVE, "me", &err), 0);
    CHECK(cenv_lock_works(a));
    CHECK_INT(cenv_lock_try(&b, s.fd, "l", CENV_LOCK_EXCLUSIVE, "you", &err), 1);
    CHECK(b == NULL);
    CHECK_INT(cenv_lock_try(&b, s.fd, "l", CENV_LOCK_SHARED, NULL, &err), 1);
    CHECK_STR(scratch_text(&s, "l"), "me");
    cenv_lock_free(a);
    CHECK_STR(scratch_text(&s, "l"), "");
    CHECK_INT(cenv_lock_try(&b, s.fd, "l", CENV_LOCK_SHARED, NULL, &err), 0);
    CHECK_INT(cenv_lock_try(&c, s.fd, "l", CENV_LOCK_SHARED, NULL, &err), 0);
    CHECK_INT(cenv_lock_try(&a, s.fd, "l", CENV_LOCK_EXCLUSIVE, NULL, &err), 1);
    cenv_lock_free(b);
    cenv_lock_free(c);
    CHECK_INT(cenv_lock_try(&a, s.fd, "l", CENV_LOCK_EXCLUSIVE, NULL, &err), 0);
    cenv_lock_free_remove(a, s.fd, "l");
    CHECK_INT(cenv_fs_exists(s.fd, "l", &err), 0);
    close_scratch();
}

static void test_lock__follows_no_link(void)
{
    struct cenv_lock *lock;
    open_scratch();
    scratch_file(&s, "victim", "kept", 0600);
    symlinkat("victim", s.fd, "l");
    CHECK_INT(cenv_lock_try(&lock, s.fd, "l", CENV_LOCK_EXCLUSIVE, "me", &err),
              CENV_EOS);
    CHECK_INT(err.os_errno, ELOOP);
    CHECK_STR(scratch_text(&s, "victim"), "kept");
    close_scratch();
}

/* A child takes the lock, says so through the pipe, and sleeps until killed. */
static pid_t hold_in_child(void)
{
    int ends[2];
    char byte;
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct cenv_lock *lock;
        if (cenv_lock_try(&lock, s.fd, "l", CENV_LOCK_EXCLUSIVE, "child", &err) == 0)
            byte = (char)write(ends[1], "x", 1);
        pause();
        _exit(0);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void *kill_later(void *pid)
{
    usleep(30000);
    kill(*(pid_t *)pid, SIGKILL);
    return NULL;
}

static void test_lock__is_taken_over_when_the_holder_dies(void)
{
    struct cenv_lock *lock = NULL;
    struct cenv_buf who;
    pthread_t thread;
    open_scratch();
    pid_t pid = hold_in_child();
    cenv_buf_init(&who, 4096);
    CHECK(cenv_lock_holder(s.fd, "l", &who));
    CHECK_STR(who.data, "child");
    cenv_buf_release(&who);
    CHECK_INT(cenv_lock_try(&lock, s.fd, "l", CENV_LOCK_EXCLUSIVE, NULL, &err), 1);
    pthread_create(&thread, NULL, kill_later, &pid);
    CHECK_INT(cenv_lock_take(&lock, s.fd, "l", CENV_LOCK_EXCLUSIVE, "me", &task, &err),
              0);
    CHECK(lock != NULL);
    CHECK_STR(scratch_text(&s, "l"), "me");
    pthread_join(thread, NULL);
    cenv_lock_free(lock);
    waitpid(pid, NULL, 0);
    close_scratch();
}

static void test_lock__waiting_can_be_cancelled(void)
{
    struct cenv_lock *held, *lock = NULL;
    open_scratch();
    CHECK_INT(cenv_lock_try(&held, s.fd, "l", CENV_LOCK_SHARED, NULL, &err), 0);
    cenv_task_cancel(&task);
    CHECK_INT(cenv_lock_take(&lock, s.fd, "l", CENV_LOCK_EXCLUSIVE, NULL, &task, &err),
              CENV_ECANCELLED);
    CHECK(lock == NULL);
    cenv_lock_free(held);
    close_scratch();
}

/* Lock, delete the file, unlock, by several at once: the counter shows two inside together. */
struct racer {
    int *inside, *worst, *rounds;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct cenv_error e = CENV_ERROR_INIT;
    for (int i = 0; i < 200; i++) {
        struct cenv_lock *lock = NULL;
        struct cenv_task t;
        cenv_task_init(&t, NULL, NULL);
        if (cenv_lock_take(&lock, s.fd, "l", CENV_LOCK_EXCLUSIVE, "x", &t, &e) == 0) {
            int now = __atomic_add_fetch(r->inside, 1, __ATOMIC_SEQ_CST);
            if (now > 1)
                *r->worst = now;
            __atomic_add_fetch(r->rounds, 1, __ATOMIC_SEQ_CST);
            __atomic_sub_fetch(r->inside, 1, __ATOMIC_SEQ_CST);
            cenv_lock_free_remove(lock, s.fd, "l");
        }
        cenv_task_release(&t);
    }
    cenv_error_release(&e);
    return NULL;
}

static void test_lock__holds_when_its_file_is_deleted(void)
{
    int inside = 0, worst = 1, rounds = 0;
    struct racer r = {&inside, &worst, &rounds};
    pthread_t threads[3];
    open_scratch();
    for (size_t i = 0; i < CHECK_NR(threads); i++)
        pthread_create(&threads[i], NULL, race, &r);
    for (size_t i = 0; i < CHECK_NR(threads); i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(worst, 1);
    CHECK_INT(rounds, 600);
    close_scratch();
}

int main(void)
{
    RUN(test_lock__excludes_within_one_process);
    RUN(test_lock__follows_no_link);
    RUN(test_lock__is_taken_over_when_the_holder_dies);
    RUN(test_lock__waiting_can_be_cancelled);
    RUN(test_lock__holds_when_its_file_is_deleted);
    return check_report();
}
