/* SPDX-License-Identifier: BSD-3-Clause */
/* The sweep: what killed processes and dead owners left, in the store and beside clones. */
#include "clone/sweep.h"

#include <time.h>

#include "base/alloc.h"
#include "clone/mode.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/fs_where.h"
#include "os/owner.h"
#include "os/path.h"
#include "os/raw_lock.h"
#include "os/sibling.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/leftovers.h"
#include "store/scratch.h"
#include "store/sweep_list.h"
#include "store/template_entry.h"

enum { ON_ITS_WAY_SECONDS = 600 };

/* A clone is entered before it is renamed into place: what is not there yet may be on its way. */
static bool is_past(const struct cenv_store *store, const char *name)
{
    struct cenv_stat st;
    return cenv_raw_stat(store->dirs[CENV_STORE_CLONES], name, &st) == 0 &&
           st.mtime_ns / 1000000000 + ON_ITS_WAY_SECONDS < (int64_t)time(NULL);
}

enum half { NONE, REMOVED, HELD };

/* A half-made clone beside its place: an enum half, or a status. Its maker may just be dying; what
 * cannot be looked at is left as held. */
static int remove_half(const struct cenv_clone_entry *clone, bool look,
                       struct cenv_error *err)
{
    struct cenv_stat st;
    struct cenv_str parent = cenv_path_parent(cenv_str(clone->path));
    struct cenv_str name = cenv_path_base(cenv_str(clone->path));
    char *path = clone->temp && cenv_sibling_is_of(clone->temp, name.data)
                     ? cenv_memdup(parent.data, parent.len)
                     : NULL;
    int dir = path ? cenv_raw_open_dir(CENV_CWD, path) : -ENOENT;
    int raw = dir < 0 ? dir : cenv_raw_stat_lasting(dir, clone->temp, &st);
    int rc = raw == 0 || cenv_raw_is_absent(raw) ? NONE : HELD;
    if (raw == 0 && st.type == CENV_FT_DIR &&
        (!clone->ino || (st.dev == clone->dev && st.ino == clone->ino)))
        rc = cenv_sibling_is_left(dir, clone->temp) ? REMOVED : HELD;
    if (rc == REMOVED && !look && cenv_fs_remove_tree(dir, clone->temp, err) < 0)
        rc = err->status;
    cenv_fd_close(dir);
    cenv_free(path);
    return rc;
}

/* What link scripts were shown at its place, and is marked, when its maker was killed. */
static int remove_shown(const struct cenv_clone_entry *clone, bool look,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int dir = strcmp(clone->mode, CENV_UNFINISHED_MODE) == 0
                  ? cenv_raw_open_dir(CENV_CWD, clone->path)
                  : -ENOENT;
    int raw = dir < 0 ? dir : cenv_raw_stat(dir, CENV_NEWPREFIX_MARK, &st);
    int rc = raw == 0 || cenv_raw_is_absent(raw) ? NONE : HELD;
    if (raw == 0 && cenv_raw_try_lock_dir(dir) == 0)
        rc = REMOVED;
    if (rc == REMOVED && !look && cenv_fs_remove_tree(CENV_CWD, clone->path, err) < 0)
        rc = err->status;
    cenv_fd_close(dir);
    return rc;
}

int cenv_clone_sweep_unfinished(const struct cenv_store *store, const char *path,
                                struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry clone;
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc == 0)
        rc = cenv_clone_registry_load(store, name, &arena, &clone, err);
    if (rc == 0 && strcmp(clone.path, path) == 0) {
        rc = remove_half(&clone, false, err);
        if (rc == REMOVED)
            cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
    }
    cenv_arena_release(&arena);
    return rc < 0 ? rc : 0;
}

/* What killed clonings left has a name like ".<name>.cenv-<pid>-<nonce>". */
static bool is_unfinished(const char *name)
{
    return name[0] == '.' && strstr(name, ".cenv-");
}

static int remove_unfinished(struct cenv_sweep *sweep, const char *home,
                             struct cenv_error *err)
{
    struct cenv_listing names;
    int rc = 0, dir = cenv_raw_open_dir(CENV_CWD, home);
    if (dir < 0 || cenv_listing_read(&names, dir, true) < 0) {
        cenv_fd_close(dir);
        return 0;
    }
    for (size_t i = 0; i < names.nr && rc == 0; i++) {
        const char *name = names.entries[i].name;
        if (is_unfinished(name) && sweep->look)
            cenv_sweep_list_add(sweep, "unfinished", cenv_str(home), name);
        else if (is_unfinished(name))
            rc = cenv_fs_remove_tree(dir, name, err);
    }
    cenv_listing_release(&names);
    cenv_fd_close(dir);
    if (rc == 0 && !sweep->look)
        cenv_raw_rmdir(CENV_CWD, home);
    return rc;
}

/* A home with clones in it stays. */
static int remove_orphan(struct cenv_sweep *sweep, const struct cenv_clone_entry *clone,
                         struct cenv_error *err)
{
    int rc = 0;
    if (strcmp(clone->mode, CENV_CLONES_HOME_MODE) == 0)
        return remove_unfinished(sweep, clone->path, err);
    if (!sweep->look)
        rc = cenv_clone_mode_of_entry(clone->mode)->remove(clone->path, err);
    if (rc == 0)
        cenv_sweep_list_add(sweep, "clone", cenv_str(clone->path), "");
    return rc;
}

/* A sweep tells of the clone; one that only looks is told what lies there. */
static void list_half(struct cenv_sweep *sweep, const struct cenv_clone_entry *clone)
{
    struct cenv_str path = cenv_str(clone->path);
    if (sweep->look)
        cenv_sweep_list_add(sweep, "unfinished", cenv_path_parent(path), clone->temp);
    else
        cenv_sweep_list_add(sweep, "unfinished", path, "");
}

/*
 * The registry is ours, and dev and inode say that it is still the directory we made: one that was
 * put in its place since stays. An entry without owner lives as long as its directory; one whose
 * directory cannot be looked at (another user's home, a server that is away) stays too.
 */
static int sweep_clone(struct cenv_sweep *sweep, const char *name,
                       const struct cenv_clone_entry *clone, struct cenv_error *err)
{
    struct cenv_error unseen = CENV_ERROR_INIT;
    int there = cenv_clone_registry_is_there(clone, &unseen);
    bool orphan = clone->owner.pid > 0 && !cenv_owner_may_live(&clone->owner);
    int rc = NONE;
    cenv_error_release(&unseen);
    if (there < 0 || (there && !orphan))
        return 0;
    if (there) {
        rc = remove_orphan(sweep, clone, err);
    } else {
        rc = remove_half(clone, sweep->look, err);
        if (rc == NONE)
            rc = remove_shown(clone, sweep->look, err);
        if (rc == REMOVED)
            list_half(sweep, clone);
    }
    bool gone = orphan || rc == REMOVED || is_past(sweep->store, name);
    if (rc >= 0 && rc != HELD && gone && !sweep->look)
        cenv_clone_registry_drop(sweep->store, name);
    return rc < 0 ? rc : 0;
}

/* An entry that is not whole goes; those with a dot are just being written. */
static void drop_damaged(const struct cenv_sweep *sweep, const char *name)
{
    if (!sweep->look && (name[0] != '.' || is_past(sweep->store, name)))
        cenv_raw_unlink(sweep->store->dirs[CENV_STORE_CLONES], name);
}

static int sweep_entry(void *ctx, const struct cenv_dirent *entry,
                       struct cenv_error *err)
{
    struct cenv_sweep *sweep = ctx;
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry clone;
    if (entry->type != CENV_FT_FILE)
        return 0;
    int rc = cenv_clone_registry_load(sweep->store, entry->name, &arena, &clone, err);
    if (rc == 0)
        rc = sweep_clone(sweep, entry->name, &clone, err);
    else if (rc == 1)
        drop_damaged(sweep, entry->name);
    cenv_arena_release(&arena);
    return rc < 0 ? rc : 0;
}

/* Lists what it finds in an array under `key`. */
static int sweep_store(struct cenv_sweep *sweep, const char *key,
                       struct cenv_error *err)
{
    cenv_json_write_array(&sweep->list, key);
    int rc = cenv_sweep_each(sweep, CENV_STORE_CLONES, sweep_entry, err);
    if (rc == 0)
        rc = cenv_template_entry_sweep(sweep, err);
    if (rc == 0)
        rc = cenv_scratch_sweep(sweep, err);
    if (rc == 0 && !sweep->look)
        rc = cenv_leftovers_sweep_locks(sweep->store, sweep->task, err);
    if (rc == 0)
        rc = cenv_sweep_failure(sweep, err);
    cenv_json_write_end(&sweep->list);
    return rc;
}

/* What failed leaves nothing in `out`, which had `before` bytes. */
static int finish_report(const struct cenv_sweep *sweep, int rc, size_t before,
                         struct cenv_error *err)
{
    if (rc == 0)
        rc = cenv_json_writer_finish(&sweep->list, err);
    if (rc < 0)
        sweep->list.out->len = before;
    return rc;
}

int cenv_store_sweep(struct cenv_store *store, struct cenv_task *task,
                     struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_sweep sweep = {.store = store, .task = task};
    size_t before = out->len;
    cenv_json_writer_init(&sweep.list, out, 0);
    cenv_json_write_object(&sweep.list, NULL);
    int rc = sweep_store(&sweep, "removed", err);
    cenv_json_write_u64(&sweep.list, "scratch", sweep.removed);
    cenv_json_write_end(&sweep.list);
    return finish_report(&sweep, rc, before, err);
}

int cenv_store_orphans(struct cenv_store *store, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_sweep sweep = {.store = store, .task = task, .look = true};
    size_t before = out->len;
    cenv_json_writer_init(&sweep.list, out, 0);
    int rc = sweep_store(&sweep, NULL, err);
    return finish_report(&sweep, rc, before, err);
}
