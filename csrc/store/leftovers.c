/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whoever works in a store, or beside a place that is registered there, holds a lock, whose file
 * says who it is and goes when the work is done. A file with text in it that nobody locks is that
 * of a process that was killed: one look at two small directories tells.
 */
#include "store/leftovers.h"

#include <time.h>

#include "cenv.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/lock.h"
#include "os/raw_data.h"
#include "os/raw_lock.h"

/* So many are looked at: what the rest is of, the next look finds. */
enum { LOOKED_AT_MAX = 64 };

/* One that is empty was made right now, or its maker was killed before it wrote. */
enum { EMPTY_SECONDS = 2 };

static bool is_new(const struct cenv_stat *st)
{
    return st->size == 0 &&
           st->mtime_ns / 1000000000 + EMPTY_SECONDS >= (int64_t)time(NULL);
}

/* The shared lock is held for no longer than the look takes. */
static bool is_left(int dir, const char *name)
{
    struct cenv_stat st;
    int fd = cenv_raw_open_file(dir, name, &st);
    bool left = fd >= 0 && !is_new(&st) && cenv_raw_try_lock(fd, false) == 0;
    cenv_fd_close(fd);
    return left;
}

static bool has_left(int dirfd)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    bool left = false;
    if (cenv_dir_init(&dir, dirfd) < 0)
        return false;
    for (int i = 0; i < LOOKED_AT_MAX && !left && cenv_dir_next(&dir, &entry) == 1; i++)
        left = entry.type == CENV_FT_FILE && is_left(dirfd, entry.name);
    cenv_dir_release(&dir);
    return left;
}

bool cenv_store_has_leftovers(struct cenv_store *store)
{
    return has_left(store->dirs[CENV_STORE_LOCKS]) ||
           has_left(store->dirs[CENV_STORE_TMP]);
}

static int sweep_lock(void *ctx, const struct cenv_dirent *entry,
                      struct cenv_error *err)
{
    int locks = *(const int *)ctx;
    struct cenv_lock *lock = NULL;
    if (entry->type != CENV_FT_FILE)
        return 0;
    int rc = cenv_lock_try(&lock, locks, entry->name, CENV_LOCK_EXCLUSIVE, NULL, err);
    if (rc == 0 && cenv_lock_works(lock))
        cenv_lock_free_remove(lock, locks, entry->name);
    else if (rc == 0)
        cenv_lock_free(lock);
    return rc < 0 ? rc : 0;
}

int cenv_leftovers_sweep_locks(const struct cenv_store *store, struct cenv_task *task,
                               struct cenv_error *err)
{
    int locks = store->dirs[CENV_STORE_LOCKS];
    return cenv_layout_each(store, CENV_STORE_LOCKS, task, sweep_lock, &locks, err);
}
