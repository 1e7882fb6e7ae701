/* SPDX-License-Identifier: BSD-3-Clause */
/* Making durable what was written. The system's call is one of ours here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"
#include "os/fs_sync.h"
#include "os/lock.h"
#include "os_scene.h"

static enum { FINE, FAILS, HANGS, DIES, LINGERS } disk;
static int never[2]; /* a pipe that nobody writes to */
static pid_t self;
static struct cenv_task task;

/* Instead of the C library's. */
int syncfs(int fd)
{
    char byte;
    if (disk == DIES && getpid() != self)
        kill(getpid(), SIGKILL);
    if (disk == HANGS) {
        close(never[1]); /* so that the test's end is this process' too */
        return (int)read(fd, &byte, 1);
    }
    errno = EIO;
    return disk == FAILS ? -1 : 0;
}

/* So is this one. */
ssize_t writev(int fd, const struct iovec *pieces, int nr)
{
    char byte;
    ssize_t done = syscall(SYS_writev, fd, pieces, nr);
    if (disk == LINGERS && getpid() != self) {
        close(never[1]);
        (void)!read(never[0], &byte, 1);
    }
    return done;
}

static int sync_scratch(cenv_poll_fn poll, int state)
{
    disk = state;
    self = getpid();
    open_scratch();
    cenv_task_init(&task, poll, NULL);
    return cenv_fs_sync(state == HANGS ? never[0] : s.fd, &task, &err);
}

static void close_sync(void)
{
    cenv_task_release(&task);
    close_scratch();
}

static void test_fs_sync__tells_what_the_disk_says(void)
{
    CHECK_INT(sync_scratch(NULL, FINE), 0);
    close_sync();
    CHECK_INT(sync_scratch(NULL, FAILS), CENV_EOS);
    CHECK_INT(err.os_errno, EIO);
    CHECK_STR(err.path, s.path);
    close_sync();
}

static int cancel_second(void *ctx)
{
    static int polls;
    (void)ctx;
    return polls++ > 0;
}

static int cancel_at_once(void *ctx)
{
    (void)ctx;
    return 1;
}

/* Were it waited for, this test would not end. */
static void test_fs_sync__of_a_disk_that_hangs_is_interrupted(void)
{
    CHECK_INT(pipe(never), 0);
    CHECK_INT(sync_scratch(cancel_second, HANGS), CENV_ECANCELLED);
    close(never[0]);
    close(never[1]);
    close_sync();
}

/* Else whoever asks for the lock next waits for the disk, or is told that somebody has it. */
static void test_fs_sync__that_goes_on_holds_no_lock_of_the_caller(void)
{
    struct cenv_lock *lock, *next;
    open_scratch();
    CHECK_INT(cenv_lock_try(&lock, s.fd, "lease", CENV_LOCK_SHARED, NULL, &err), 0);
    CHECK_INT(pipe(never), 0);
    cenv_task_init(&task, cancel_at_once, NULL);
    disk = HANGS;
    CHECK_INT(cenv_fs_sync(never[0], &task, &err), CENV_ECANCELLED);
    cenv_lock_free(lock);
    CHECK_INT(cenv_lock_try(&next, s.fd, "lease", CENV_LOCK_EXCLUSIVE, NULL, &err), 0);
    cenv_lock_free(next);
    close(never[0]);
    close(never[1]);
    close_sync();
}

/* Else a file system is busy for a moment after the command that wrote to it has ended. */
static void test_fs_sync__that_is_done_holds_no_directory(void)
{
    CHECK_INT(pipe(never), 0);
    open_scratch();
    self = getpid();
    cenv_task_init(&task, NULL, NULL);
    int held = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int next = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(flock(held, LOCK_EX), 0);
    disk = LINGERS;
    CHECK_INT(cenv_fs_sync(held, &task, &err), 0);
    disk = FINE;
    close(held);
    CHECK_INT(flock(next, LOCK_EX | LOCK_NB), 0);
    close(next);
    close(never[0]);
    close(never[1]);
    close_sync();
}

static void test_fs_sync__is_done_when_its_process_is_killed(void)
{
    CHECK_INT(sync_scratch(NULL, DIES), 0);
    close_sync();
}

int main(void)
{
    RUN(test_fs_sync__tells_what_the_disk_says);
    RUN(test_fs_sync__of_a_disk_that_hangs_is_interrupted);
    RUN(test_fs_sync__that_goes_on_holds_no_lock_of_the_caller);
    RUN(test_fs_sync__that_is_done_holds_no_directory);
    RUN(test_fs_sync__is_done_when_its_process_is_killed);
    return check_report();
}
