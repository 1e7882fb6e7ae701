/* SPDX-License-Identifier: BSD-3-Clause */
/* Works: directories in v1/tmp where everything is made, each guarded by a lock beside it. */
#include "store/scratch.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/proc.h"
#include "store/sweep_list.h"

/* Where locks do not work, a scratch directory as old as this is nobody's. */
enum { ABANDONED_SECONDS = 7 * 24 * 3600 };

static char *lock_name(const char *name)
{
    struct cenv_buf out;
    cenv_buf_init(&out, strlen(name) + 8);
    cenv_buf_addf(&out, "%s.lock", name);
    return cenv_buf_detach(&out);
}

/* The lock first: a sweep that sees the directory finds it held. */
static int make_scratch(int tmp, struct cenv_scratch *scratch, struct cenv_error *err)
{
    struct cenv_buf holder;
    char *lock = lock_name(scratch->name);
    if (!lock)
        return cenv_error_oom(err);
    cenv_buf_init(&holder, 4096);
    cenv_owner_text(&holder);
    int rc =
        cenv_lock_try(&scratch->lock, tmp, lock, CENV_LOCK_EXCLUSIVE, holder.data, err);
    if (rc == 1)
        rc = cenv_error_set(err, CENV_EFAIL, "'%s' is taken", scratch->name);
    if (rc == 0)
        rc = cenv_fs_mkdir(tmp, scratch->name, 0700, err);
    if (rc == 0) {
        scratch->fd = cenv_fs_open_dir(tmp, scratch->name, err);
        rc = scratch->fd < 0 ? scratch->fd : 0;
    }
    cenv_buf_release(&holder);
    cenv_free(lock);
    return rc;
}

int cenv_scratch_open(const struct cenv_store *store, struct cenv_scratch *out,
                      struct cenv_error *err)
{
    struct cenv_scratch scratch = {cenv_fs_unique_name("work"), -1, NULL};
    if (!scratch.name)
        return cenv_error_oom(err);
    int rc = make_scratch(store->dirs[CENV_STORE_TMP], &scratch, err);
    if (rc == 0)
        *out = scratch;
    else
        cenv_scratch_close(store, &scratch);
    return rc;
}

void cenv_scratch_close(const struct cenv_store *store, struct cenv_scratch *scratch)
{
    int tmp = store->dirs[CENV_STORE_TMP];
    char *lock = lock_name(scratch->name);
    cenv_fd_close(scratch->fd);
    cenv_fs_discard_tree(tmp, scratch->name);
    if (lock)
        cenv_lock_free_remove(scratch->lock, tmp, lock);
    else
        cenv_lock_free(scratch->lock);
    cenv_free(lock);
    cenv_free(scratch->name);
    *scratch = (struct cenv_scratch){NULL, -1, NULL};
}

static bool is_lock_name(struct cenv_str name)
{
    return cenv_str_ends(name, CENV_STR(".lock"));
}

/* Without locks only age tells. */
static bool may_take(int tmp, const char *name, const struct cenv_lock *lock)
{
    struct cenv_stat st;
    if (cenv_lock_works(lock))
        return true;
    return cenv_raw_stat(tmp, name, &st) == 0 &&
           st.ctime_ns / 1000000000 + ABANDONED_SECONDS < (int64_t)time(NULL);
}

/* 1 removed, 0 somebody's, or a status. */
static int sweep_one(struct cenv_sweep *sweep, const char *name, struct cenv_error *err)
{
    int tmp = sweep->store->dirs[CENV_STORE_TMP];
    struct cenv_lock *lock;
    char *lock_file = lock_name(name);
    if (!lock_file)
        return cenv_error_oom(err);
    int rc = cenv_lock_try(&lock, tmp, lock_file, CENV_LOCK_EXCLUSIVE, NULL, err);
    bool mine = rc == 0 && may_take(tmp, name, lock);
    if (mine) {
        if (!sweep->look)
            cenv_fs_discard_tree(tmp, name);
        else if (cenv_fs_exists(tmp, name))
            rc = cenv_sweep_list_add_entry(sweep, CENV_STORE_TMP, name, err);
        cenv_lock_free_remove(lock, tmp, lock_file);
    } else if (rc == 0) {
        cenv_lock_free(lock);
    }
    cenv_free(lock_file);
    return rc < 0 ? rc : mine;
}

/* A lock without its directory: its owner died before making it, or is about to make it. */
static int sweep_lock(struct cenv_sweep *sweep, const struct cenv_dirent *entry,
                      struct cenv_error *err)
{
    int tmp = sweep->store->dirs[CENV_STORE_TMP];
    char *name = cenv_memdup(entry->name, entry->len - strlen(".lock"));
    if (!name)
        return cenv_error_oom(err);
    int rc = cenv_fs_exists(tmp, name) ? 0 : sweep_one(sweep, name, err);
    cenv_free(name);
    return rc;
}

int cenv_scratch_sweep(struct cenv_sweep *sweep, struct cenv_error *err)
{
    struct cenv_listing list;
    int tmp = sweep->store->dirs[CENV_STORE_TMP];
    int rc = cenv_listing_read(&list, tmp, true);
    if (rc < 0)
        return cenv_fs_fail(err, rc, tmp, NULL, "cannot list");
    for (size_t i = 0; i < list.nr && rc >= 0; i++) {
        const struct cenv_dirent *entry = &list.entries[i];
        rc = cenv_task_poll(sweep->task, err);
        if (rc < 0)
            break;
        if (is_lock_name(cenv_str_n(entry->name, entry->len)))
            rc = sweep_lock(sweep, entry, err);
        else
            rc = sweep_one(sweep, entry->name, err);
        sweep->removed += rc > 0 && !is_lock_name(cenv_str_n(entry->name, entry->len));
    }
    cenv_listing_release(&list);
    return rc < 0 ? rc : 0;
}
