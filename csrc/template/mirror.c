/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mirrors: a template beside clones that lie on another file system, where neither link nor reflink
 * reaches the store. A mirror is a store of its own, entered in the first one's registry, so that
 * gc finds it.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "manifest/manifest_foreign.h"
#include "os/fs.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/mirror.h"

struct mirror {
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
    if (rc == 0)
        rc = cenv_clone_registry_enter(store, &entry, err);
    return rc;
}

static int open_mirror(struct mirror *mirror, int parent)
{
    char name[32];
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    snprintf(name, sizeof(name), "cenv-%lu", (unsigned long)cenv_fs_uid());
    int rc = cenv_fs_path_of(parent, name, &path) < 0 ? cenv_error_oom(mirror->err) : 0;
    if (rc == 0)
        rc = open_private(parent, name, path.data, mirror->err);
    if (rc == 0)
        rc = cenv_store_open(&mirror->to, path.data, mirror->err);
    if (rc == 0)
        rc = enter(mirror->from, path.data, mirror->err);
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

static int clone_over(struct mirror *mirror, const char *from, const char *to)
{
    struct cenv_buf report;
    cenv_buf_init(&report, 64 << 20);
    int rc = cenv_clone(mirror->from, from, to, "{\"mode\":\"copy\"}", mirror->task,
                        &report, mirror->err);
    cenv_buf_release(&report);
    return rc;
}

static int save_manifest(struct mirror *mirror, int dir, const char *path)
{
    struct cenv_manifest *manifest = NULL;
    int prefix = cenv_fs_open_dir(dir, CENV_TEMPLATE_PREFIX, mirror->err);
    int rc = prefix < 0 ? prefix
                        : cenv_manifest_of_environment(&manifest, prefix, path, NULL,
                                                       mirror->task, mirror->err);
    if (rc == 0)
        rc = cenv_manifest_save(manifest, dir, CENV_TEMPLATE_MANIFEST, mirror->err);
    cenv_manifest_free(manifest);
    cenv_fd_close(prefix);
    return rc;
}

static int save_description(struct mirror *mirror, int dir)
{
    struct cenv_buf text;
    cenv_buf_init(&text, SIZE_MAX / 2);
    int rc =
        cenv_json_print(mirror->doc, 0, &text) < 0 ? cenv_error_oom(mirror->err) : 0;
    if (rc == 0)
        rc = cenv_fs_write_atomic(dir, CENV_TEMPLATE_JSON, cenv_buf_str(&text), 0644,
                                  mirror->err);
    cenv_buf_release(&text);
    return rc;
}

/* At its final place at once, for the paths in it; template.json last, as for a draft. */
static int copy_over(struct mirror *mirror, const char *from, const char *to)
{
    int templates = mirror->to->dirs[CENV_STORE_TEMPLATES];
    int rc = cenv_publish_withdraw(mirror->to, templates, mirror->id, mirror->err);
    if (rc == 0)
        rc = cenv_fs_mkdir(templates, mirror->id, 0755, mirror->err);
    int dir = rc ? rc : cenv_fs_open_dir(templates, mirror->id, mirror->err);
    if (dir < 0)
        return dir;
    rc = clone_over(mirror, from, to);
    if (rc == 0)
        rc = save_manifest(mirror, dir, to);
    if (rc == 0)
        rc = save_description(mirror, dir);
    cenv_fd_close(dir);
    if (rc < 0)
        cenv_fs_discard_tree(templates, mirror->id);
    return rc;
}

static int find_or_copy(struct mirror *mirror, const char *from, const char *to)
{
    struct cenv_lock *lock;
    int rc = cenv_template_entry_find(mirror->to, mirror->id, mirror->err);
    if (rc != 1)
        return rc;
    rc = cenv_template_entry_lock(mirror->to, mirror->id, &lock, mirror->task,
                                  mirror->err);
    if (rc < 0)
        return rc;
    rc = cenv_template_entry_find(mirror->to, mirror->id, mirror->err);
    if (rc == 1)
        rc = copy_over(mirror, from, to);
    cenv_template_entry_unlock(mirror->to, mirror->id, lock);
    return rc;
}

static int reply(const struct mirror *mirror, const char *path, struct cenv_buf *out)
{
    const struct cenv_store *store = mirror->to ? mirror->to : mirror->from;
    struct cenv_str top = cenv_str(store->path);
    top.len -= strlen("/v1");
    cenv_buf_puts(out, "{\"path\":");
    cenv_json_quote(out, cenv_str(path));
    cenv_buf_puts(out, ",\"store\":");
    cenv_json_quote(out, top);
    if (cenv_buf_addf(out, ",\"staged\":%s}", mirror->to ? "true" : "false") < 0)
        return cenv_error_oom(mirror->err);
    return 0;
}

static int mirror_at(struct mirror *mirror, int parent, struct cenv_buf *out)
{
    struct cenv_stat here, there;
    char *from = prefix_of(mirror->from, mirror->id), *to = NULL;
    int rc = from ? 0 : cenv_error_oom(mirror->err);
    if (rc == 0 && (cenv_raw_stat_fd(mirror->from->root, &here) < 0 ||
                    cenv_raw_stat_fd(parent, &there) < 0 || here.dev == there.dev)) {
        rc = reply(mirror, from, out);
    } else if (rc == 0) {
        rc = open_mirror(mirror, parent);
        to = rc ? NULL : prefix_of(mirror->to, mirror->id);
        if (rc == 0 && !to)
            rc = cenv_error_oom(mirror->err);
        if (rc == 0)
            rc = find_or_copy(mirror, from, to);
        if (rc == 0)
            rc = reply(mirror, to, out);
    }
    cenv_free(from);
    cenv_free(to);
    return rc;
}

int cenv_template_mirror(struct cenv_store *store, const char *id,
                         const char *directory, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct mirror mirror = {.from = store, .id = id, .task = task, .err = err};
    struct cenv_stat st;
    struct cenv_lease *lease;
    int rc = cenv_lease_take(store, &lease, err);
    if (rc < 0)
        return rc;
    rc = cenv_template_entry_load(store, id, &mirror.doc, &st, err);
    if (rc == 1)
        rc =
            cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id, store->path);
    if (rc == 0) {
        int parent = cenv_fs_open_root(directory, err);
        rc = parent < 0 ? parent : mirror_at(&mirror, parent, out);
        cenv_fd_close(parent);
        cenv_json_free(mirror.doc);
    }
    cenv_store_free(mirror.to);
    cenv_lease_free(lease);
    return rc;
}

/* ---- removing them ---- */

/* A mirror whose own users hold a lease stays. */
static int remove_mirror(const struct cenv_store *store, const char *name,
                         const char *path, uint64_t *removed, struct cenv_error *err)
{
    struct cenv_lock *lease = NULL;
    struct cenv_store *mirror = NULL;
    int rc = cenv_store_open(&mirror, path, err);
    if (rc == 0)
        rc = cenv_lease_try_exclusive(mirror, &lease, err);
    if (rc == 0)
        rc = cenv_fs_remove_tree(CENV_CWD, path, err);
    if (rc == 0) {
        cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
        (*removed)++;
    }
    cenv_lock_free(lease);
    cenv_store_free(mirror);
    return rc < 0 ? rc : 0;
}

struct mirror_removal {
    const struct cenv_store *store;
    uint64_t *removed;
};

static int remove_if_mirror(void *ctx, const struct cenv_dirent *file,
                            struct cenv_error *err)
{
    const struct mirror_removal *removal = ctx;
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry entry;
    int rc = cenv_clone_registry_load(removal->store, file->name, &arena, &entry, err);
    if (rc == 0 && strcmp(entry.mode, CENV_MIRROR_MODE) == 0 &&
        cenv_clone_registry_is_there(&entry))
        rc = remove_mirror(removal->store, file->name, entry.path, removal->removed,
                           err);
    cenv_arena_release(&arena);
    return rc < 0 ? rc : 0;
}

int cenv_mirror_remove_all(const struct cenv_store *store, uint64_t *removed,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct mirror_removal removal = {.store = store, .removed = removed};
    return cenv_layout_each(store, CENV_STORE_CLONES, task, remove_if_mirror, &removal,
                            err);
}
