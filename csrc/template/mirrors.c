/* SPDX-License-Identifier: BSD-3-Clause */
/* The mirrors of a store: listed, ended with the run they were made for, removed. */
#include "template/mirrors.h"

#include <string.h>

#include "base/arena.h"
#include "cenv.h"
#include "codec/json_writer.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/lock.h"
#include "os/owner.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/publish.h"
#include "store/template_entry.h"

/* ---- those that are entered ---- */

typedef int (*mirror_fn)(void *ctx, const char *path, struct cenv_error *err);

struct mirror_visit {
    const struct cenv_store *store;
    mirror_fn visit;
    void *ctx;
};

/* One that cannot be looked at is passed over. */
static bool is_mirror(const struct cenv_clone_entry *entry)
{
    struct cenv_error unseen = CENV_ERROR_INIT;
    bool is = strcmp(entry->mode, CENV_MIRROR_MODE) == 0 &&
              cenv_clone_registry_is_there(entry, &unseen) == 1;
    cenv_error_release(&unseen);
    return is;
}

static int visit_if_mirror(void *ctx, const struct cenv_dirent *file,
                           struct cenv_error *err)
{
    const struct mirror_visit *visit = ctx;
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry entry;
    int rc = cenv_clone_registry_load(visit->store, file->name, &arena, &entry, err);
    if (rc == 0 && is_mirror(&entry))
        rc = visit->visit(visit->ctx, entry.path, err);
    cenv_arena_release(&arena);
    return rc < 0 ? rc : 0;
}

static int visit_mirrors(const struct cenv_store *store, mirror_fn visit, void *ctx,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct mirror_visit each = {store, visit, ctx};
    return cenv_layout_each(store, CENV_STORE_CLONES, task, visit_if_mirror, &each,
                            err);
}

/* ---- listing ---- */

static int write_path(void *ctx, const char *path, struct cenv_error *err)
{
    (void)err;
    cenv_json_write_str(ctx, NULL, cenv_str(path));
    return 0;
}

int cenv_template_mirrors(struct cenv_store *store, struct cenv_task *task,
                          struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    int rc = visit_mirrors(store, write_path, &w, task, err);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, err);
    return rc;
}

/* ---- removing ---- */

struct removal {
    const struct cenv_store *store; /* whose mirror it is */
    struct cenv_store *mirror;
    const struct cenv_owner *owner; /* whose copies go; NULL: all */
    uint64_t removed, left;
    struct cenv_task *task;
};

static int remove_copy(void *ctx, const struct cenv_dirent *entry,
                       struct cenv_error *err)
{
    struct removal *removal = ctx;
    const struct cenv_store *mirror = removal->mirror;
    int rc = 1;
    if (removal->owner)
        rc = cenv_template_entry_ends_with(mirror, entry->name, removal->owner, err);
    if (rc == 0)
        removal->left++;
    if (rc == 1)
        rc = cenv_publish_withdraw(mirror, mirror->dirs[CENV_STORE_TEMPLATES],
                                   entry->name, removal->task, err);
    return rc;
}

/* The copies that are to go; and, when none is left, the mirror itself. */
static int empty_mirror(struct removal *removal, const char *path,
                        struct cenv_error *err)
{
    int rc = cenv_layout_each(removal->mirror, CENV_STORE_TEMPLATES, removal->task,
                              remove_copy, removal, err);
    if (rc < 0 || removal->left > 0)
        return rc;
    rc = cenv_fs_remove_tree(CENV_CWD, path, err);
    if (rc == 0)
        rc = cenv_clone_registry_forget(removal->store, path, err);
    removal->removed += rc == 0;
    return rc;
}

/* A mirror whose own users hold a lease stays. */
static int remove_unused(struct removal *removal, const char *path,
                         struct cenv_error *err)
{
    struct cenv_lock *lease = NULL;
    int rc = cenv_store_open(&removal->mirror, path, err);
    if (rc == 0)
        rc = cenv_lease_try_exclusive(removal->mirror, &lease, err);
    if (rc == 0)
        rc = empty_mirror(removal, path, err);
    cenv_lock_free(lease);
    cenv_store_free(removal->mirror);
    removal->mirror = NULL;
    return rc < 0 ? rc : 0;
}

static int remove_mirror(void *ctx, const char *path, struct cenv_error *err)
{
    struct removal *removal = ctx;
    removal->left = 0;
    return remove_unused(removal, path, err);
}

int cenv_mirrors_remove_all(const struct cenv_store *store, uint64_t *removed,
                            struct cenv_task *task, struct cenv_error *err)
{
    struct removal removal = {.store = store, .task = task};
    int rc = visit_mirrors(store, remove_mirror, &removal, task, err);
    *removed += removal.removed;
    return rc;
}

int cenv_template_mirrors_end(struct cenv_store *store, int64_t owner,
                              struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_owner process;
    struct removal removal = {.store = store, .owner = &process, .task = task};
    cenv_owner_of(owner, &process);
    return visit_mirrors(store, remove_mirror, &removal, task, err);
}
