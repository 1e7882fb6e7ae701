/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks: see lock.h. Waiting is by trying, so that it can be cancelled. */
#include "os/lock.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "os/raw_lock.h"

enum { HELD = 1, TAKEN = 2 };
enum { WAIT_FIRST_US = 500, WAIT_MAX_US = 20000, HOLDER_MAX = 4096 };

struct cenv_lock {
    int fd;
    bool exclusive;
    bool works;
};

static bool is_unsupported(int error)
{
    return error == ENOLCK || error == ENOTSUP || error == EINVAL || error == ENOSYS;
}

/* Who locks a file that was deleted meanwhile holds nothing: the next one makes a new file. 1, 0 or
 * -errno. */
static int is_still_there(int fd, int dirfd, const char *name)
{
    struct cenv_stat mine, there;
    int rc = cenv_raw_stat_fd(fd, &mine);
    if (rc == 0)
        rc = cenv_raw_stat(dirfd, name, &there);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    return cenv_stat_same_file(&mine, &there);
}

/* TAKEN with *works, HELD, -errno, or 0 where the name is of another file by now. */
static int lock_opened(int fd, bool *works, int dirfd, const char *name, bool exclusive)
{
    int rc = cenv_raw_try_lock(fd, exclusive);
    *works = rc == 0;
    if (is_unsupported(-rc))
        return TAKEN;
    if (rc < 0)
        return rc == -EWOULDBLOCK ? HELD : rc;
    rc = is_still_there(fd, dirfd, name);
    return rc == 1 ? TAKEN : rc;
}

/* One attempt: 0 with *fd, HELD, or -errno. */
static int attempt_lock(int *fd, bool *works, int dirfd, const char *name,
                        bool exclusive)
{
    for (;;) {
        int got = cenv_raw_open_lock(dirfd, name, exclusive);
        if (got < 0)
            return got;
        int rc = lock_opened(got, works, dirfd, name, exclusive);
        if (rc == TAKEN) {
            *fd = got;
            return 0;
        }
        cenv_fd_close(got);
        if (rc != 0)
            return rc;
    }
}

/* For humans: losing it harms nobody. */
static void write_holder(int fd, const char *text)
{
    if (cenv_raw_truncate(fd, 0) == 0)
        cenv_raw_pwrite(fd, text, strlen(text), 0);
}

static int try_lock(struct cenv_lock **out, int dirfd, const char *name,
                    enum cenv_lock_kind kind, const char *text, struct cenv_error *err)
{
    struct cenv_lock *lock = cenv_calloc(1, sizeof(*lock));
    if (!lock)
        return cenv_error_oom(err);
    lock->exclusive = kind == CENV_LOCK_EXCLUSIVE;
    int rc = attempt_lock(&lock->fd, &lock->works, dirfd, name, lock->exclusive);
    if (rc != 0) {
        cenv_free(lock);
        return rc == HELD ? HELD : cenv_fs_fail(err, rc, dirfd, name, "cannot lock");
    }
    if (text && lock->exclusive)
        write_holder(lock->fd, text);
    *out = lock;
    return 0;
}

int cenv_lock_try(struct cenv_lock **out, int dirfd, const char *name,
                  enum cenv_lock_kind kind, const char *text, struct cenv_error *err)
{
    *out = NULL;
    return try_lock(out, dirfd, name, kind, text, err);
}

/* Shows whom we wait for; a holder that has not written yet, or left no text, is not shown. */
static void show_holder(int dirfd, const char *name, struct cenv_task *task)
{
    struct cenv_buf who;
    cenv_buf_init(&who, HOLDER_MAX + 1);
    if (cenv_lock_holder(dirfd, name, &who) && who.len)
        cenv_task_wait(task, who.data);
    cenv_buf_release(&who);
}

int cenv_lock_take(struct cenv_lock **out, int dirfd, const char *name,
                   enum cenv_lock_kind kind, const char *text, struct cenv_task *task,
                   struct cenv_error *err)
{
    long wait = WAIT_FIRST_US;
    for (;;) {
        int rc = try_lock(out, dirfd, name, kind, text, err);
        if (rc == HELD) {
            show_holder(dirfd, name, task);
            rc = cenv_task_poll(task, err) ? CENV_ECANCELLED : HELD;
        }
        if (rc != HELD) {
            if (wait > WAIT_FIRST_US)
                cenv_task_wait(task, NULL);
            return rc;
        }
        cenv_clock_sleep_us(wait);
        wait = wait * 2 < WAIT_MAX_US ? wait * 2 : WAIT_MAX_US;
    }
}

void cenv_lock_abandon(struct cenv_lock *lock)
{
    if (lock)
        cenv_fd_close(lock->fd);
    cenv_free(lock);
}

void cenv_lock_free(struct cenv_lock *lock)
{
    if (lock && lock->exclusive && lock->works)
        cenv_raw_truncate(lock->fd, 0);
    cenv_lock_abandon(lock);
}

/* Unlinked while held: whoever waits sees that its file is gone and takes a new one. */
void cenv_lock_free_remove(struct cenv_lock *lock, int dirfd, const char *name)
{
    if (lock && lock->exclusive && lock->works)
        cenv_raw_unlink(dirfd, name);
    cenv_lock_free(lock);
}

bool cenv_lock_works(const struct cenv_lock *lock)
{
    return lock->works;
}

int cenv_lock_descriptor(const struct cenv_lock *lock)
{
    return lock->fd;
}

bool cenv_lock_holder(int dirfd, const char *name, struct cenv_buf *out)
{
    char text[HOLDER_MAX];
    int fd = cenv_raw_open_file(dirfd, name, NULL);
    if (fd < 0)
        return true;
    int64_t n = cenv_raw_pread(fd, text, sizeof(text), 0);
    cenv_fd_close(fd);
    return n <= 0 || cenv_buf_add(out, text, (size_t)n);
}
