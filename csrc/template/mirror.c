/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mirrors: a template beside clones that lie on another file system, where neither link nor reflink
 * reaches the store. A mirror is a store of its own, entered in the first one's registry.
 */
#include "cenv.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/fs_where.h"
#include "os/lock.h"
#include "os/path.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/template_entry.h"
#include "template/description.h"

enum { PATH_BYTES_MAX = 1 << 20, REPORT_MAX = 64 << 20 };

struct mirror {
    struct cenv_store *from, *to;
    const char *id;
    int64_t owner;         /* the process that a new copy ends with; 0: it stays */
    struct cenv_json *doc; /* template.json of the original */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- the store of a mirror ---- */

static int refuse_shared(const char *path, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EFAIL, "'%s' is not ours alone", path);
    return cenv_error_hint(err,
                           "remove it, or choose another directory for the clones");
}

/* In a directory that others may write to (/tmp): made by us, for us, and no link. */
static int make_private(int parent, const char *name, const char *path,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int failed = cenv_raw_mkdir(parent, name, 0700);
    if (failed < 0 && failed != -EEXIST)
        return cenv_fs_fail(err, failed, parent, name, "cannot make directory");
    int fd = cenv_fs_open_dir(parent, name, err);
    if (fd < 0)
        return fd;
    failed = cenv_raw_stat_fd(fd, &st);
    cenv_fd_close(fd);
    if (failed < 0)
        return cenv_fs_fail(err, failed, parent, name, "cannot look at");
    if (st.uid != cenv_fs_uid() || (st.mode & 0077))
        return refuse_shared(path, err);
    return 0;
}

/* So that gc finds it. */
static int enter_mirror(const struct cenv_store *store, const char *path,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    if (rc < 0)
        return rc;
    struct cenv_clone_entry entry = {.path = path,
                                     .source = store->path,
                                     .dev = st.dev,
                                     .ino = st.ino,
                                     .mode = CENV_MIRROR_MODE};
    return cenv_clone_registry_enter(store, &entry, err);
}

static int open_mirror(struct mirror *mirror, int parent)
{
    char name[32];
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    snprintf(name, sizeof(name), "cenv-%lu", (unsigned long)cenv_fs_uid());
    int rc = cenv_fs_path_of(parent, name, &path) ? 0 : cenv_error_oom(mirror->err);
    if (rc == 0)
        rc = make_private(parent, name, path.data, mirror->err);
    if (rc == 0)
        rc = cenv_store_open(&mirror->to, path.data, mirror->err);
    if (rc == 0)
        rc = enter_mirror(mirror->from, path.data, mirror->err);
    cenv_buf_release(&path);
    return rc;
}

/* ---- the copy ---- */

static int clone_over(struct mirror *mirror, const char *from, const char *to)
{
    struct cenv_buf report;
    cenv_buf_init(&report, REPORT_MAX);
    int rc = cenv_clone(mirror->from, from, to, "{\"mode\":\"copy\"}", mirror->task,
                        &report, mirror->err);
    cenv_buf_release(&report);
    return rc;
}

static int describe_copy(struct mirror *mirror, int dir, const char *path)
{
    int prefix = cenv_fs_open_dir(dir, CENV_TEMPLATE_PREFIX, mirror->err);
    if (prefix < 0)
        return prefix;
    int rc =
        cenv_description_save_manifest(dir, prefix, path, mirror->task, mirror->err);
    if (rc == 0)
        rc = cenv_description_save(dir, mirror->doc, mirror->err);
    cenv_fd_close(prefix);
    return rc;
}

/* At its final place at once, for the paths in it; template.json last, as for a draft. */
static int copy_over(struct mirror *mirror, const char *from, const char *to)
{
    int dir = cenv_template_entry_make(mirror->to, mirror->id, mirror->err);
    if (dir < 0)
        return dir;
    int rc = clone_over(mirror, from, to);
    if (rc == 0 && mirror->owner > 0)
        rc = cenv_template_entry_save_owner(dir, mirror->owner, mirror->err);
    if (rc == 0)
        rc = describe_copy(mirror, dir, to);
    cenv_fd_close(dir);
    if (rc < 0)
        cenv_fs_discard_tree(mirror->to->dirs[CENV_STORE_TEMPLATES], mirror->id);
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

/* ---- the template, here or there ---- */

static int write_reply(const struct mirror *mirror, const char *path,
                       struct cenv_buf *out)
{
    const struct cenv_store *store = mirror->to ? mirror->to : mirror->from;
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_cstr(&w, "prefix", path);
    cenv_json_write_str(&w, "store", cenv_path_parent(cenv_str(store->path)));
    cenv_json_write_bool(&w, "mirrored", mirror->to != NULL);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, mirror->err);
}

static bool is_on_one_device(const struct cenv_store *store, int directory)
{
    struct cenv_stat here, there;
    return cenv_raw_stat_fd(store->root, &here) < 0 ||
           cenv_raw_stat_fd(directory, &there) < 0 || here.dev == there.dev;
}

/* Sets `to` to the path of the prefix in the mirror, made where it is not there. */
static int mirror_template(struct mirror *mirror, int directory, const char *from,
                           struct cenv_buf *to)
{
    int rc = open_mirror(mirror, directory);
    if (rc == 0 && !cenv_template_entry_add_prefix(mirror->to, mirror->id, to))
        rc = cenv_error_oom(mirror->err);
    if (rc == 0)
        rc = find_or_copy(mirror, from, to->data);
    return rc;
}

static int find_or_mirror(struct mirror *mirror, int directory, struct cenv_buf *out)
{
    struct cenv_buf from, to;
    int rc = 0;
    bool here = is_on_one_device(mirror->from, directory);
    cenv_buf_init(&from, PATH_BYTES_MAX);
    cenv_buf_init(&to, PATH_BYTES_MAX);
    if (!cenv_template_entry_add_prefix(mirror->from, mirror->id, &from))
        rc = cenv_error_oom(mirror->err);
    if (rc == 0 && !here)
        rc = mirror_template(mirror, directory, from.data, &to);
    if (rc == 0)
        rc = write_reply(mirror, here ? from.data : to.data, out);
    cenv_buf_release(&from);
    cenv_buf_release(&to);
    return rc;
}

int cenv_template_mirror(struct cenv_store *store, const char *id,
                         const char *directory, int64_t owner, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct mirror mirror = {
        .from = store, .id = id, .owner = owner, .task = task, .err = err};
    struct cenv_stat st;
    struct cenv_lease *lease;
    int parent = -1, rc = cenv_lease_take(store, &lease, err);
    if (rc < 0)
        return rc;
    rc = cenv_template_entry_load(store, id, &mirror.doc, &st, err);
    if (rc == 1)
        rc =
            cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id, store->path);
    if (rc == 0 && (parent = cenv_fs_open_root(directory, err)) < 0)
        rc = parent;
    if (rc == 0)
        rc = find_or_mirror(&mirror, parent, out);
    cenv_fd_close(parent);
    cenv_json_free(mirror.doc);
    cenv_store_free(mirror.to);
    cenv_lease_free(lease);
    return rc;
}
