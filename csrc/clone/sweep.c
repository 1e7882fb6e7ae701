/* SPDX-License-Identifier: BSD-3-Clause */
/* The sweep: what killed processes and dead owners left, in the store and beside clones. */
#include "clone/sweep.h"

#include <time.h>

#include "base/alloc.h"
#include "clone/mode.h"
#include "os/fs.h"
#include "os/path.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"
#include "store/layout.h"
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

/* A half-made clone beside its place: an enum half, or a status. Its maker may just be dying. */
static int remove_half(const struct cenv_clone_entry *clone, bool look,
                       struct cenv_error *err)
{
    struct cenv_stat st;
    struct cenv_str parent = cenv_path_parent(cenv_str(clone->path));
    char *path = clone->temp && !strchr(clone->temp, '/')
                     ? cenv_memdup(parent.data, parent.len)
                     : NULL;
    int dir = path ? cenv_raw_open_dir(CENV_CWD, path) : -1, rc = NONE;
    if (dir >= 0 && cenv_raw_stat(dir, clone->temp, &st) == 0 &&
        st.type == CENV_FT_DIR &&
        (!clone->ino || (st.dev == clone->dev && st.ino == clone->ino)))
        rc = cenv_newprefix_is_left(dir, clone->temp) ? REMOVED : HELD;
    if (rc == REMOVED && !look && cenv_fs_remove_tree(dir, clone->temp, err) < 0)
        rc = err->status;
    cenv_fd_close(dir);
    cenv_free(path);
    return rc;
}

int cenv_clone_sweep_unfinished(const struct cenv_store *store, const char *path,
                                struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
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

/* What killed clonings left: ".<name>.cenv-<pid>-<nonce>". */
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
        if (name[0] != '.' || !strstr(name, ".cenv-"))
            continue;
        rc = sweep->look
                 ? cenv_sweep_list_add(sweep, "unfinished", cenv_str(home), name, err)
                 : cenv_fs_remove_tree(dir, name, err);
    }
    cenv_listing_release(&names);
    cenv_fd_close(dir);
    if (rc == 0 && !sweep->look)
        cenv_raw_rmdir(CENV_CWD, home);
    return rc;
}

/* 1 removed, 0 stays (a home with clones in it), or a status. */
static int remove_orphan(struct cenv_sweep *sweep, const struct cenv_clone_entry *clone,
                         struct cenv_error *err)
{
    if (strcmp(clone->mode, CENV_CLONES_HOME_MODE) == 0)
        return remove_unfinished(sweep, clone->path, err);
    if (sweep->look)
        return 1;
    int rc = cenv_clone_mode_of_entry(clone->mode)->remove(clone->path, err);
    return rc < 0 ? rc : 1;
}

/* A sweep tells of the clone, looking tells what lies there. */
static int note_half(struct cenv_sweep *sweep, const struct cenv_clone_entry *clone,
                     struct cenv_error *err)
{
    struct cenv_str path = cenv_str(clone->path);
    return sweep->look ? cenv_sweep_list_add(sweep, "unfinished",
                                             cenv_path_parent(path), clone->temp, err)
                       : cenv_sweep_list_add(sweep, "unfinished", path, "", err);
}

/*
 * The registry is ours, and dev and inode say that it is still the directory we made: one that was
 * put in its place since stays. An entry without owner lives as long as its directory.
 */
static int sweep_clone(struct cenv_sweep *sweep, const char *name,
                       const struct cenv_clone_entry *clone, struct cenv_error *err)
{
    bool there = cenv_clone_registry_is_there(clone);
    bool orphan = clone->owner.pid > 0 && !cenv_owner_may_live(&clone->owner);
    int rc = NONE;
    if (there && orphan) {
        rc = remove_orphan(sweep, clone, err);
        if (rc == 1)
            rc = cenv_sweep_list_add(sweep, "clone", cenv_str(clone->path), "", err);
        there = false;
    } else if (!there) {
        rc = remove_half(clone, sweep->look, err);
        orphan = (orphan && rc != HELD) || rc == REMOVED;
        if (rc == REMOVED)
            rc = note_half(sweep, clone, err);
    }
    if (rc >= 0 && rc != HELD && !there && !sweep->look &&
        (orphan || is_past(sweep->store, name)))
        cenv_clone_registry_drop(sweep->store, name);
    return rc < 0 ? rc : 0;
}

/* An entry that is not whole goes; those with a dot are just being written. */
static void drop_damaged(const struct cenv_sweep *sweep, const char *name)
{
    if (!sweep->look && (name[0] != '.' || is_past(sweep->store, name)))
        cenv_raw_unlink(sweep->store->dirs[CENV_STORE_CLONES], name);
}

static int sweep_entry(struct cenv_sweep *sweep, const char *name,
                       struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry clone;
    int rc = cenv_clone_registry_load(sweep->store, name, &arena, &clone, err);
    if (rc == 0)
        rc = sweep_clone(sweep, name, &clone, err);
    else if (rc == 1)
        drop_damaged(sweep, name);
    cenv_arena_release(&arena);
    return rc < 0 ? rc : 0;
}

static int sweep_clones(struct cenv_sweep *sweep, struct cenv_error *err)
{
    struct cenv_listing names;
    int clones = sweep->store->dirs[CENV_STORE_CLONES];
    int rc = 0, raw = cenv_listing_read(&names, clones, true);
    if (raw < 0)
        return cenv_fs_fail(err, raw, clones, NULL, "cannot list");
    for (size_t i = 0; i < names.nr && rc == 0; i++) {
        rc = cenv_task_poll(sweep->task, err);
        if (rc == 0 && names.entries[i].type == CENV_FT_FILE)
            rc = sweep_entry(sweep, names.entries[i].name, err);
    }
    cenv_listing_release(&names);
    return rc;
}

static int sweep_all(struct cenv_sweep *sweep, struct cenv_error *err)
{
    int rc = sweep_clones(sweep, err);
    if (rc == 0)
        rc = cenv_template_entry_sweep(sweep, err);
    if (rc == 0)
        rc = cenv_scratch_sweep(sweep, err);
    return rc;
}

/* What failed leaves nothing in `out`, which had `before` bytes. */
static int finish_report(const struct cenv_json_writer *w, int rc, size_t before,
                         struct cenv_error *err)
{
    if (rc == 0)
        rc = cenv_json_writer_finish(w, err);
    if (rc < 0)
        w->out->len = before;
    return rc;
}

int cenv_store_sweep(struct cenv_store *store, struct cenv_task *task,
                     struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    struct cenv_sweep sweep = {.store = store, .task = task, .found = &w};
    size_t before = out->len;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_array(&w, "removed");
    int rc = sweep_all(&sweep, err);
    if (rc == 0) {
        cenv_json_write_end(&w);
        cenv_json_write_u64(&w, "works", sweep.removed);
        cenv_json_write_end(&w);
    }
    return finish_report(&w, rc, before, err);
}

int cenv_store_orphans(struct cenv_store *store, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    struct cenv_sweep sweep = {.store = store, .task = task, .found = &w, .look = true};
    size_t before = out->len;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    int rc = sweep_all(&sweep, err);
    if (rc == 0)
        cenv_json_write_end(&w);
    return finish_report(&w, rc, before, err);
}
