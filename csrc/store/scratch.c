/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch directories: v1/tmp/<name>, each guarded by the lock v1/tmp/<name>.lock. */
#include "store/scratch.h"

#include <time.h>

#include "base/alloc.h"
#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/lock.h"
#include "os/owner.h"
#include "store/sweep_list.h"

#define LOCK_SUFFIX ".lock"

/* Where locks do not work, a scratch directory as old as this is nobody's. */
enum { ABANDONED_SECONDS = 7 * 24 * 3600, HOLDER_MAX = 4096 };

/* The caller frees it; NULL: no memory. */
static char *add_lock_suffix(const char *name)
{
    struct cenv_buf out;
    cenv_buf_init(&out, strlen(name) + sizeof(LOCK_SUFFIX));
    cenv_buf_addf(&out, "%s" LOCK_SUFFIX, name);
    return cenv_buf_detach(&out);
}

/* The lock first: a sweep that sees the directory finds it held. */
static int make_scratch(int tmp, struct cenv_scratch *scratch, struct cenv_error *err)
{
    struct cenv_buf holder;
    char *lock_name = add_lock_suffix(scratch->name);
    if (!lock_name)
        return cenv_error_oom(err);
    cenv_buf_init(&holder, HOLDER_MAX);
    cenv_owner_text(&holder);
    int rc = cenv_lock_try(&scratch->lock, tmp, lock_name, CENV_LOCK_EXCLUSIVE,
                           holder.data, err);
    if (rc == 1)
        rc = cenv_error_set(err, CENV_EFAIL, "'%s' is taken", scratch->name);
    if (rc == 0)
        rc = scratch->fd = cenv_fs_mkdir_open(tmp, scratch->name, 0700, err);
    cenv_buf_release(&holder);
    cenv_free(lock_name);
    return rc < 0 ? rc : 0;
}

int cenv_scratch_open(const struct cenv_store *store, struct cenv_scratch *out,
                      struct cenv_error *err)
{
    struct cenv_scratch scratch = {cenv_fs_unique_name("work"), -1, NULL, false};
    if (!scratch.name)
        return cenv_error_oom(err);
    int rc = make_scratch(store->dirs[CENV_STORE_TMP], &scratch, err);
    if (rc == 0)
        *out = scratch;
    else
        cenv_scratch_close(store, &scratch);
    return cenv_layout_hint_place(rc, err);
}

void cenv_scratch_close(const struct cenv_store *store, struct cenv_scratch *scratch)
{
    int tmp = store->dirs[CENV_STORE_TMP];
    char *lock_name = add_lock_suffix(scratch->name);
    bool done = true;
    cenv_fd_close(scratch->fd);
    if (scratch->hurried)
        done = cenv_fs_discard_tree_quickly(tmp, scratch->name);
    else
        cenv_fs_discard_tree(tmp, scratch->name);
    if (lock_name && done)
        cenv_lock_free_remove(scratch->lock, tmp, lock_name);
    else
        cenv_lock_abandon(scratch->lock);
    cenv_free(lock_name);
    cenv_free(scratch->name);
    *scratch = (struct cenv_scratch){.fd = -1};
}

/* ---- sweeping ---- */

/* Without locks only age tells. */
static bool is_abandoned(int tmp, const char *name, const struct cenv_lock *lock)
{
    struct cenv_stat st;
    if (cenv_lock_works(lock))
        return true;
    return cenv_raw_stat(tmp, name, &st) == 0 &&
           st.ctime_ns / 1000000000 + ABANDONED_SECONDS < (int64_t)time(NULL);
}

static void remove_abandoned(struct cenv_sweep *sweep, const char *name)
{
    int tmp = sweep->store->dirs[CENV_STORE_TMP];
    struct cenv_stat st;
    if (cenv_raw_stat(tmp, name, &st) < 0)
        return;
    sweep->removed++;
    if (sweep->look)
        cenv_sweep_list_add_entry(sweep, CENV_STORE_TMP, name);
    else
        cenv_fs_discard_tree(tmp, name);
}

static int sweep_scratch(struct cenv_sweep *sweep, const char *name,
                         struct cenv_error *err)
{
    int tmp = sweep->store->dirs[CENV_STORE_TMP];
    struct cenv_lock *lock;
    char *lock_name = add_lock_suffix(name);
    if (!lock_name)
        return cenv_error_oom(err);
    int rc = cenv_lock_try(&lock, tmp, lock_name, CENV_LOCK_EXCLUSIVE, NULL, err);
    bool abandoned = rc == 0 && is_abandoned(tmp, name, lock);
    if (abandoned)
        remove_abandoned(sweep, name);
    if (abandoned && !sweep->look)
        cenv_lock_free_remove(lock, tmp, lock_name);
    else if (rc == 0)
        cenv_lock_free(lock);
    cenv_free(lock_name);
    return rc < 0 ? rc : 0;
}

/* A lock without its directory: its owner died before making it, or is about to make it. */
static int sweep_lock(struct cenv_sweep *sweep, struct cenv_str lock_name,
                      struct cenv_error *err)
{
    int rc = 0;
    char *name = cenv_memdup(lock_name.data, lock_name.len - strlen(LOCK_SUFFIX));
    if (!name)
        return cenv_error_oom(err);
    rc = cenv_fs_exists(sweep->store->dirs[CENV_STORE_TMP], name, err);
    if (rc == 0)
        rc = sweep_scratch(sweep, name, err);
    cenv_free(name);
    return rc < 0 ? rc : 0;
}

static int sweep_entry(void *ctx, const struct cenv_dirent *entry,
                       struct cenv_error *err)
{
    struct cenv_str name = cenv_str_n(entry->name, entry->len);
    if (cenv_str_ends(name, CENV_STR(LOCK_SUFFIX)))
        return sweep_lock(ctx, name, err);
    return sweep_scratch(ctx, entry->name, err);
}

int cenv_scratch_sweep(struct cenv_sweep *sweep, struct cenv_error *err)
{
    return cenv_sweep_each(sweep, CENV_STORE_TMP, sweep_entry, err);
}
