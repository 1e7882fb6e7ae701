/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing environments and clones, and setting clones aside for that; cenv.h has the contracts. */
#include "base/alloc.h"
#include "cenv.h"
#include "clone/overlay_clone.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/fs_rename.h"
#include "os/path.h"
#include "os/raw_lock.h"
#include "os/sibling.h"
#include "store/clone_registry.h"

/* Of an environment: what is left after a failure is one by these, and can be removed again. */
static const char *const marks[] = {"conda-meta", "pyvenv.cfg", NULL};

/* ---- an environment at its place ---- */

/* Aside, under a name that the store knows, so that a sweep finds what a killed process left. */
struct aside {
    struct cenv_store *store; /* or NULL */
    const char *path;
    char *name; /* beside it */
    int parent, dir;
    bool entered;
    char entry[CENV_STORE_FILE]; /* of the store's */
};

/* 1 when the entry of the path is of another directory, which is somewhere else: it stays. */
static int choose_entry(struct aside *aside, struct cenv_arena *arena,
                        struct cenv_clone_entry *entry, struct cenv_error *err)
{
    int rc = cenv_clone_registry_file(aside->path, aside->entry, err);
    if (rc == 0)
        rc = cenv_clone_registry_find(aside->store, aside->path, arena, entry, err);
    if (rc != 1)
        return rc;
    rc = cenv_clone_registry_load(aside->store, aside->entry, arena, entry, err);
    if (rc <= 0)
        return rc < 0 ? rc : 1;
    *entry = (struct cenv_clone_entry){
        .path = aside->path, .source = aside->path, .mode = CENV_UNFINISHED_MODE};
    return 0;
}

static int enter_aside(struct aside *aside, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry entry;
    int rc = choose_entry(aside, &arena, &entry, err);
    entry.temp = aside->name;
    if (rc == 0)
        rc = cenv_clone_registry_enter(aside->store, &entry, err);
    aside->entered = rc == 0;
    cenv_arena_release(&arena);
    return rc < 0 ? rc : 0;
}

static int open_parent(struct aside *aside, struct cenv_error *err)
{
    struct cenv_str parent = cenv_path_parent(cenv_str(aside->path));
    char *path = cenv_memdup(parent.data, parent.len);
    aside->name = cenv_sibling_name(cenv_path_base(cenv_str(aside->path)).data);
    if (!path || !aside->name)
        cenv_error_oom(err);
    else
        aside->parent = cenv_fs_open_root(path, err);
    cenv_free(path);
    return err->status;
}

/* 0, 1 where it cannot be moved and is to be removed where it lies, or a status. */
static int move_aside(struct aside *aside, struct cenv_error *err)
{
    const char *base = cenv_path_base(cenv_str(aside->path)).data;
    int rc = open_parent(aside, err);
    if (rc == 0 && aside->store)
        rc = enter_aside(aside, err);
    if (rc < 0)
        return rc;
    if (cenv_raw_rename_noreplace(aside->parent, base, aside->parent, aside->name) < 0)
        return 1;
    aside->dir = cenv_raw_open_dir(aside->parent, aside->name);
    if (aside->dir >= 0)
        cenv_raw_lock_dir(aside->dir);
    return 0;
}

/* The user knows it by its own path, at which it is again. */
static int name_place(const struct aside *aside, struct cenv_error *err)
{
    int os_errno = err->os_errno;
    if (err->status != CENV_EOS)
        return err->status;
    cenv_error_release(err);
    return cenv_error_os(err, os_errno, aside->path, "cannot remove");
}

/* What is left when the removal is cancelled, a sweep removes; what cannot be removed, is back. */
static int remove_aside(struct aside *aside, struct cenv_task *task,
                        struct cenv_error *err)
{
    int rc = cenv_fs_remove_tree_polled(aside->parent, aside->name, marks, task, err);
    if (rc == CENV_ECANCELLED && aside->dir >= 0)
        cenv_sibling_give_up(aside->dir);
    else if (rc < 0 &&
             cenv_raw_rename_noreplace(aside->parent, aside->name, aside->parent,
                                       cenv_path_base(cenv_str(aside->path)).data) == 0)
        rc = name_place(aside, err);
    return rc;
}

static int move_and_remove(struct aside *aside, struct cenv_task *task,
                           struct cenv_error *err)
{
    int rc = move_aside(aside, err);
    if (rc == 1)
        rc = cenv_fs_remove_tree_polled(CENV_CWD, aside->path, marks, task, err);
    else if (rc == 0)
        rc = remove_aside(aside, task, err);
    if (rc == 0 && aside->entered) /* else a sweep finds that it is gone */
        cenv_raw_unlink(aside->store->dirs[CENV_STORE_CLONES], aside->entry);
    cenv_fd_close(aside->dir);
    cenv_fd_close(aside->parent);
    cenv_free(aside->name);
    return rc;
}

static int remove_dir(struct cenv_store *store, const char *path,
                      struct cenv_task *task, struct cenv_error *err)
{
    struct aside aside = {.store = store, .path = path, .parent = -1, .dir = -1};
    struct cenv_lock *claim = NULL;
    int rc = 0;
    if (store)
        rc = cenv_clone_registry_claim(store, path, &claim, task, err);
    if (rc == 0)
        rc = move_and_remove(&aside, task, err);
    if (store)
        cenv_clone_registry_unclaim(store, path, claim,
                                    rc == CENV_ECANCELLED && aside.entered);
    return rc;
}

/* ---- the calls ---- */

static bool is_dir(const char *path)
{
    struct cenv_stat st;
    return cenv_raw_stat(CENV_CWD, path, &st) == 0 && st.type == CENV_FT_DIR;
}

int cenv_remove(struct cenv_store *store, const char *path, const char *clone,
                struct cenv_task *task, struct cenv_error *err)
{
    bool is_aside = clone && strcmp(clone, path) != 0;
    int rc = cenv_task_poll(task, err);
    if (rc < 0)
        return rc;
    if (!is_aside && is_dir(path))
        return remove_dir(store, path, task, err);
    struct cenv_clone_mark *mark =
        store ? cenv_clone_registry_mark(store, clone ? clone : path, path) : NULL;
    rc = cenv_fs_remove_tree_polled(CENV_CWD, path, marks, task, err);
    cenv_clone_registry_forget_marked(store, mark, rc == 0);
    return rc;
}

int cenv_overlay_remove(struct cenv_store *store, const char *path,
                        struct cenv_error *err)
{
    struct cenv_clone_mark *mark =
        store ? cenv_clone_registry_mark(store, path, path) : NULL;
    int rc = cenv_overlay_clone_remove(path, err);
    cenv_clone_registry_forget_marked(store, mark, rc == 0);
    return rc;
}

/* The name it was made under is in its entry: there a sweep finds it, should nobody remove it. */
static int choose_name_aside(const struct cenv_store *store, const char *path,
                             char **aside, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry clone;
    int rc = cenv_clone_registry_find(store, path, &arena, &clone, err);
    if (rc >= 0) {
        bool known = rc == 0 && clone.temp;
        *aside = known ? cenv_strdup(clone.temp)
                       : cenv_sibling_name(cenv_path_base(cenv_str(path)).data);
        rc = *aside ? 0 : cenv_error_oom(err);
    }
    cenv_arena_release(&arena);
    return rc;
}

int cenv_clone_set_aside(struct cenv_store *store, const char *path,
                         struct cenv_buf *out, struct cenv_error *err)
{
    char *aside = NULL;
    size_t before = out->len;
    int rc = choose_name_aside(store, path, &aside, err);
    if (rc < 0)
        return rc;
    struct cenv_str parent = cenv_path_parent(cenv_str(path));
    if (!cenv_buf_addf(out, "%.*s/%s", CENV_STR_ARG(parent), aside))
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_fs_rename(CENV_CWD, path, CENV_CWD, out->data + before, err);
    if (rc < 0)
        out->len = before;
    cenv_free(aside);
    return rc;
}
