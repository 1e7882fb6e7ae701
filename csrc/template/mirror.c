/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Staging: a template beside clones that lie on another file system, where neither link nor reflink
 * reaches the store. The stage is a store of its own, entered in the first one's registry, so that
 * gc finds it.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "manifest/manifest_build.h"
#include "os/fs.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/mirror.h"

struct stage {
    struct cenv_store *from, *to;
    const char *id;
    struct cenv_json *doc; /* template.json of the original */
    struct cenv_task *task;
    struct cenv_error *err;
};

static int not_ours(const char *path, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EFAIL, "'%s' is not ours alone", path);
    return cenv_error_hint(err,
                           "remove it, or choose another directory for the clones");
}

/* In a directory that others may write to (/tmp): made by us, for us, and no link. */
static int open_private(int parent, const char *name, const char *path,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_mkdir(parent, name, 0700);
    if (rc < 0 && rc != -EEXIST)
        return cenv_fs_fail(err, rc, parent, name, "cannot make directory");
    int fd = cenv_fs_open_dir(parent, name, err);
    if (fd < 0)
        return fd;
    rc = cenv_raw_stat_fd(fd, &st);
    cenv_fd_close(fd);
    if (rc < 0 || st.uid != cenv_fs_uid() || (st.mode & 0077))
        return not_ours(path, err);
    return 0;
}

static int enter(const struct cenv_store *store, const char *path,
                 struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    struct cenv_clone_entry entry = {.path = path,
                                     .source = store->path,
                                     .dev = st.dev,
                                     .ino = st.ino,
                                     .mode = CENV_MIRROR_MODE};
    return rc ? rc : cenv_clone_register(store, &entry, err);
}

static int open_stage(struct stage *stage, int parent)
{
    char name[32];
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    snprintf(name, sizeof(name), "cenv-%lu", (unsigned long)cenv_fs_uid());
    int rc = cenv_fs_path_of(parent, name, &path) < 0 ? cenv_error_oom(stage->err) : 0;
    rc = rc ? rc : open_private(parent, name, path.data, stage->err);
    rc = rc ? rc : cenv_store_open(&stage->to, path.data, stage->err);
    rc = rc ? rc : enter(stage->from, path.data, stage->err);
    cenv_buf_release(&path);
    return rc;
}

/* ---- the copy ---- */

static char *prefix_of(const struct cenv_store *store, const char *id)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    cenv_template_entry_add_prefix(store, id, &path);
    char *text = cenv_buf_detach(&path);
    cenv_buf_release(&path);
    return text;
}

static int clone_over(struct stage *stage, const char *from, const char *to)
{
    struct cenv_buf report;
    cenv_buf_init(&report, 64 << 20);
    int rc = cenv_clone(stage->from, from, to, "{\"mode\":\"copy\"}", stage->task,
                        &report, stage->err);
    cenv_buf_release(&report);
    return rc;
}

static int save_manifest(struct stage *stage, int dir, const char *path)
{
    struct cenv_manifest *manifest = NULL;
    int prefix = cenv_fs_open_dir(dir, CENV_TEMPLATE_PREFIX, stage->err);
    int rc = prefix < 0 ? prefix
                        : cenv_manifest_of_environment(&manifest, prefix, path, NULL,
                                                       stage->task, stage->err);
    if (rc == 0)
        rc = cenv_manifest_save(manifest, dir, CENV_TEMPLATE_MANIFEST, stage->err);
    cenv_manifest_free(manifest);
    cenv_fd_close(prefix);
    return rc;
}

static int save_description(struct stage *stage, int dir)
{
    struct cenv_buf text;
    cenv_buf_init(&text, SIZE_MAX / 2);
    int rc = cenv_json_print(stage->doc, 0, &text) < 0 ? cenv_error_oom(stage->err) : 0;
    if (rc == 0)
        rc = cenv_fs_write_atomic(dir, CENV_TEMPLATE_JSON, cenv_buf_str(&text), 0644,
                                  stage->err);
    cenv_buf_release(&text);
    return rc;
}

/* At its final place at once, for the paths in it; template.json last, as for a draft. */
static int copy_over(struct stage *stage, const char *from, const char *to)
{
    int templates = stage->to->dirs[CENV_STORE_TEMPLATES];
    int rc = cenv_store_drop(stage->to, templates, stage->id, stage->err);
    rc = rc ? rc : cenv_fs_mkdir(templates, stage->id, 0755, stage->err);
    int dir = rc ? rc : cenv_fs_open_dir(templates, stage->id, stage->err);
    if (dir < 0)
        return dir;
    rc = clone_over(stage, from, to);
    rc = rc ? rc : save_manifest(stage, dir, to);
    rc = rc ? rc : save_description(stage, dir);
    cenv_fd_close(dir);
    if (rc < 0)
        cenv_fs_discard_tree(templates, stage->id);
    return rc;
}

static int find_or_copy(struct stage *stage, const char *from, const char *to)
{
    struct cenv_lock *lock;
    int rc = cenv_template_is_there(stage->to, stage->id, stage->err);
    if (rc != 1)
        return rc;
    rc = cenv_template_entry_lock(stage->to, stage->id, &lock, stage->task, stage->err);
    if (rc < 0)
        return rc;
    rc = cenv_template_is_there(stage->to, stage->id, stage->err);
    if (rc == 1)
        rc = copy_over(stage, from, to);
    cenv_template_entry_unlock(stage->to, stage->id, lock);
    return rc;
}

static int reply(const struct stage *stage, const char *path, struct cenv_buf *out)
{
    const struct cenv_store *store = stage->to ? stage->to : stage->from;
    struct cenv_str top = cenv_str(store->path);
    top.len -= strlen("/v1");
    cenv_buf_puts(out, "{\"path\":");
    cenv_json_quote(out, cenv_str(path));
    cenv_buf_puts(out, ",\"store\":");
    cenv_json_quote(out, top);
    if (cenv_buf_addf(out, ",\"staged\":%s}", stage->to ? "true" : "false") < 0)
        return cenv_error_oom(stage->err);
    return 0;
}

static int stage_at(struct stage *stage, int parent, struct cenv_buf *out)
{
    struct cenv_stat here, there;
    char *from = prefix_of(stage->from, stage->id), *to = NULL;
    int rc = from ? 0 : cenv_error_oom(stage->err);
    if (rc == 0 && (cenv_raw_stat_fd(stage->from->root, &here) < 0 ||
                    cenv_raw_stat_fd(parent, &there) < 0 || here.dev == there.dev)) {
        rc = reply(stage, from, out);
    } else if (rc == 0) {
        rc = open_stage(stage, parent);
        to = rc ? NULL : prefix_of(stage->to, stage->id);
        if (rc == 0 && !to)
            rc = cenv_error_oom(stage->err);
        rc = rc ? rc : find_or_copy(stage, from, to);
        rc = rc ? rc : reply(stage, to, out);
    }
    cenv_free(from);
    cenv_free(to);
    return rc;
}

int cenv_template_stage(struct cenv_store *store, const char *id, const char *directory,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct stage stage = {.from = store, .id = id, .task = task, .err = err};
    struct cenv_stat st;
    struct cenv_lease *lease;
    int rc = cenv_lease_take(store, &lease, err);
    if (rc < 0)
        return rc;
    rc = cenv_template_load(store, id, &stage.doc, &st, err);
    if (rc == 1)
        rc =
            cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id, store->path);
    if (rc == 0) {
        int parent = cenv_fs_open_root(directory, err);
        rc = parent < 0 ? parent : stage_at(&stage, parent, out);
        cenv_fd_close(parent);
        cenv_json_free(stage.doc);
    }
    cenv_store_free(stage.to);
    cenv_lease_free(lease);
    return rc;
}

/* ---- removing them ---- */

/* A stage whose own users hold a lease stays. */
static int drop_stage(const struct cenv_store *store, const char *name,
                      uint64_t *removed, struct cenv_error *err)
{
    struct cenv_registered clone;
    struct cenv_lock *lease = NULL;
    struct cenv_store *stage = NULL;
    int rc = cenv_registered_load(store, name, &clone, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (strcmp(clone.mode, CENV_MIRROR_MODE) == 0 && cenv_registered_is_there(&clone)) {
        rc = cenv_store_open(&stage, clone.path, err);
        rc = rc ? rc : cenv_store_try_exclusive(stage, &lease, err);
        if (rc == 0) {
            rc = cenv_fs_remove_tree(CENV_CWD, clone.path, err);
            cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
            *removed += rc == 0;
        }
        cenv_lock_free(lease);
        cenv_store_free(stage);
    }
    cenv_registered_release(&clone);
    return rc < 0 ? rc : 0;
}

int cenv_store_drop_stages(const struct cenv_store *store, uint64_t *removed,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_listing names;
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = cenv_listing_read(&names, clones, true);
    if (rc < 0)
        return cenv_fs_fail(err, rc, clones, NULL, "cannot list");
    for (size_t i = 0; i < names.nr && rc == 0; i++) {
        rc = cenv_task_poll(task, err);
        rc = rc ? rc : drop_stage(store, names.entries[i].name, removed, err);
    }
    cenv_listing_release(&names);
    return rc;
}
