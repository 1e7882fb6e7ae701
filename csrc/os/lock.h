/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks between processes and threads that die with their holder: open file description locks. */
#ifndef CENV_OS_LOCK_H
#define CENV_OS_LOCK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

enum cenv_lock_kind { CENV_LOCK_SHARED, CENV_LOCK_EXCLUSIVE };

/*
 * Held from take until free. The kernel lets go when the process dies, however it dies: the next
 * one takes over. Two locks of one process exclude one another too (not so POSIX locks). The
 * descriptor is close-on-exec; a fork without exec shares the lock, which then lasts until both
 * copies are closed.
 */
struct cenv_lock;

/*
 * Makes the file `name` (0600; a link is refused) and waits for the lock, polling `task` and
 * showing it the holder; its first wait is 0.5 ms, growing to 20 ms. An exclusive holder's `text`
 * (one line, or NULL) is written into the file for cenv_lock_holder(). On a file system without
 * locks (ENOLCK, ENOTSUP, EINVAL, ENOSYS) the work goes on without one: cenv_lock_works() is false
 * then.
 */
int cenv_lock_take(struct cenv_lock **out, int dirfd, const char *name,
                   enum cenv_lock_kind kind, const char *text, struct cenv_task *task,
                   struct cenv_error *err);

/* Without waiting: 1 and *out NULL when somebody else holds it. */
int cenv_lock_try(struct cenv_lock **out, int dirfd, const char *name,
                  enum cenv_lock_kind kind, const char *text, struct cenv_error *err);

/* Lets go; NULL is fine. With `remove` an exclusive holder deletes the file too. */
void cenv_lock_free(struct cenv_lock *lock);
void cenv_lock_free_remove(struct cenv_lock *lock, int dirfd, const char *name);

/* Lets go as a holder does that is killed: the file stays, and says whose it was. */
void cenv_lock_abandon(struct cenv_lock *lock);

bool cenv_lock_works(const struct cenv_lock *lock);
/* Whatever program has it open holds the lock. */
int cenv_lock_descriptor(const struct cenv_lock *lock);

/* Appends the text of the last exclusive holder ("" when there is none); false: out of memory. */
bool cenv_lock_holder(int dirfd, const char *name, struct cenv_buf *out);

#endif
