/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing environments and clones, and setting clones aside for that; cenv.h has the contracts. */
#include "base/alloc.h"
#include "cenv.h"
#include "clone/overlay_clone.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/path.h"
#include "os/sibling.h"
#include "store/clone_registry.h"

int cenv_remove(struct cenv_store *store, const char *path, const char *clone,
                struct cenv_task *task, struct cenv_error *err)
{
    int rc = cenv_task_poll(task, err);
    if (rc < 0)
        return rc;
    struct cenv_clone_mark *mark =
        store ? cenv_clone_registry_mark(store, clone ? clone : path, path) : NULL;
    rc = cenv_fs_remove_tree(CENV_CWD, path, err);
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
