/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overlay clones. The relocated files are a layer of their own below the writable one, so that a
 * reset need not write them again.
 */
#include "clone/overlay.h"

#include "clone/overlay_layer.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/namespace.h"
#include "os/xattr.h"

/* ---- mounts ---- */

/* A new directory, open; or a status. */
static int make_dir(int top, const char *name, struct cenv_error *err)
{
    int rc = cenv_fs_mkdir(top, name, 0700, err);
    if (rc < 0)
        return rc;
    return cenv_fs_open_dir(top, name, err);
}

/* The root of an overlay has the attributes of its uppermost directory. */
static int dress_upper(int upper, int layer, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(layer, &st);
    if (rc == 0)
        rc = cenv_raw_copy_xattrs(layer, upper);
    if (rc == 0)
        rc = cenv_raw_chmod_fd(upper, st.mode);
    if (rc == 0)
        rc = cenv_raw_set_mtime_fd(upper, st.mtime_ns);
    return rc < 0 ? cenv_fs_fail(err, rc, upper, NULL, "cannot set mode and time of")
                  : 0;
}

/* Shows the layers at `path`, with new directories for what is written. */
static int show_layers(const char *path, int top, int layer, int source,
                       struct cenv_error *err)
{
    int work = -1, rc;
    int upper = make_dir(top, CENV_OVERLAY_UPPER, err);
    if (upper < 0)
        return upper;
    rc = dress_upper(upper, layer, err);
    if (rc < 0)
        goto out;
    rc = work = make_dir(top, CENV_OVERLAY_WORK, err);
    if (work >= 0)
        rc = cenv_ns_mount_overlay(path, (int[]){layer, source}, 2, upper, work, err);
out:
    cenv_fd_close(work);
    cenv_fd_close(upper);
    return rc;
}

/* The root's, which the overlay shows. */
static uint32_t root_mode(const struct cenv_prepared_clone *prepared,
                          const struct cenv_newprefix *dst)
{
    return dst->exists ? dst->exists_mode : prepared->m->dirs[0].mode;
}

static int write_and_show(const struct cenv_prepared_clone *prepared, int top,
                          const struct cenv_newprefix *dst, unsigned threads,
                          struct cenv_clone_result *result, struct cenv_task *task,
                          struct cenv_error *err)
{
    int layer = make_dir(top, CENV_OVERLAY_LAYER, err);
    if (layer < 0)
        return layer;
    int rc = cenv_overlay_layer_write(prepared, layer, root_mode(prepared, dst),
                                      threads, result, task, err);
    if (rc == 0) {
        struct cenv_span span = cenv_span_begin(CENV_STAGE_MOUNT, "");
        rc = show_layers(dst->path, top, layer, prepared->src, err);
        cenv_span_end(task, &span);
    }
    cenv_fd_close(layer);
    return rc;
}

static int mount_clone(const struct cenv_prepared_clone *prepared,
                       const struct cenv_newprefix *dst, unsigned threads,
                       struct cenv_clone_result *result, struct cenv_task *task,
                       struct cenv_error *err)
{
    int rc = cenv_ns_mount_tmpfs(dst->path, err);
    if (rc < 0)
        return rc;
    int top = cenv_fs_open_root(dst->path, err);
    if (top < 0)
        return top;
    rc = write_and_show(prepared, top, dst, threads, result, task, err);
    cenv_fd_close(top);
    return rc;
}

int cenv_overlay_make(const struct cenv_prepared_clone *prepared,
                      struct cenv_newprefix *dst, unsigned threads,
                      struct cenv_clone_result *result, struct cenv_task *task,
                      struct cenv_error *err)
{
    int rc = cenv_newprefix_publish(dst, prepared->m->dirs[0].mode, err);
    if (rc < 0)
        return rc;
    rc = mount_clone(prepared, dst, threads, result, task, err);
    if (rc < 0)
        cenv_overlay_withdraw(dst);
    return rc;
}

void cenv_overlay_withdraw(struct cenv_newprefix *dst)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    cenv_overlay_unmount(dst->path, &ignored);
    cenv_error_release(&ignored);
    cenv_newprefix_withdraw(dst);
}

int cenv_overlay_unmount(const char *path, struct cenv_error *err)
{
    int shown = cenv_ns_unmount(path, "overlay", err);
    if (shown < 0)
        return shown;
    int kept = cenv_ns_unmount(path, "tmpfs", err);
    if (kept < 0)
        return kept;
    return shown == 1 && kept == 1;
}

int cenv_overlay_set_aside(const char *path, struct cenv_overlay_kept *kept,
                           struct cenv_error *err)
{
    *kept = (struct cenv_overlay_kept){-1, -1};
    int shown = cenv_ns_set_aside(path, "overlay", &kept->shown, err);
    if (shown < 0)
        return shown;
    int below = cenv_ns_set_aside(path, "tmpfs", &kept->below, err);
    if (below < 0)
        cenv_overlay_show_again(path, kept);
    return below < 0 ? below : shown == 1 && below == 1;
}

/* The error that led here is the one to tell. */
bool cenv_overlay_show_again(const char *path, struct cenv_overlay_kept *kept)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int rc = kept->below < 0 ? 0 : cenv_ns_mount_kept(kept->below, path, &ignored);
    if (rc == 0)
        rc = cenv_ns_mount_kept(kept->shown, path, &ignored);
    cenv_error_release(&ignored);
    cenv_overlay_let_go(kept);
    return rc == 0;
}

void cenv_overlay_let_go(struct cenv_overlay_kept *kept)
{
    cenv_fd_close(kept->shown);
    cenv_fd_close(kept->below);
    *kept = (struct cenv_overlay_kept){-1, -1};
}

/* ---- reset ---- */

static int count_change(void *ctx, const struct cenv_walk_entry *entry,
                        struct cenv_error *err)
{
    uint64_t *changes = ctx;
    (void)err;
    *changes += entry->entry.type != CENV_FT_DIR;
    return 0;
}

static int count_changes(int top, uint64_t *changes, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_error uncounted = CENV_ERROR_INIT; /* directories that cannot be read */
    int upper = cenv_fs_open_dir(top, CENV_OVERLAY_UPPER, err);
    if (upper < 0)
        return upper;
    int rc = cenv_task_poll(task, err);
    if (rc == 0)
        cenv_fs_walk(upper, false, count_change, changes, task, &uncounted);
    cenv_error_release(&uncounted);
    cenv_fd_close(upper);
    return rc;
}

/* What a reset before this one may have left goes first. */
static int set_changes_aside(int top, struct cenv_error *err)
{
    int rc = cenv_fs_remove_tree(top, CENV_OVERLAY_OLD_UPPER, err);
    if (rc == 0)
        rc = cenv_fs_remove_tree(top, CENV_OVERLAY_OLD_WORK, err);
    if (rc == 0)
        rc = cenv_fs_rename(top, CENV_OVERLAY_UPPER, top, CENV_OVERLAY_OLD_UPPER, err);
    if (rc == 0)
        rc = cenv_fs_rename(top, CENV_OVERLAY_WORK, top, CENV_OVERLAY_OLD_WORK, err);
    return rc;
}

static void put_back(int top, const char *old, const char *name)
{
    struct cenv_stat st;
    if (cenv_raw_stat(top, old, &st) < 0)
        return;
    cenv_fs_discard_tree(top, name);
    cenv_raw_rename(top, old, top, name);
}

int cenv_overlay_refuse_unmounted(const char *path, struct cenv_error *err)
{
    cenv_error_set(err, CENV_ELINK, "the clone '%s' is not mounted here", path);
    return cenv_error_hint(err, "an overlay clone is there only for the process that "
                                "made it and its children");
}

static int show_again(const char *path, int top, int source, struct cenv_error *err)
{
    int layer = cenv_fs_open_dir(top, CENV_OVERLAY_LAYER, err);
    if (layer < 0)
        return layer;
    int rc = show_layers(path, top, layer, source, err);
    cenv_fd_close(layer);
    return rc;
}

/* The tmpfs is what lies at the path now. */
static int restore_top(const char *path, int top, int source, uint64_t *changes,
                       struct cenv_task *task, struct cenv_error *err)
{
    int rc = count_changes(top, changes, task, err);
    if (rc == 0)
        rc = set_changes_aside(top, err);
    if (rc == 0)
        rc = show_again(path, top, source, err);
    if (rc < 0) {
        put_back(top, CENV_OVERLAY_OLD_UPPER, CENV_OVERLAY_UPPER);
        put_back(top, CENV_OVERLAY_OLD_WORK, CENV_OVERLAY_WORK);
    }
    return rc;
}

int cenv_overlay_restore(const char *path, int source, uint64_t *changes,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_overlay_kept kept = {-1, -1};
    int rc = cenv_ns_set_aside(path, "overlay", &kept.shown, err);
    if (rc != 0)
        return rc == 1 ? cenv_overlay_refuse_unmounted(path, err) : rc;
    int top = cenv_fs_open_root(path, err);
    rc = top < 0 ? top : restore_top(path, top, source, changes, task, err);
    if (rc < 0) {
        cenv_overlay_show_again(path, &kept);
    } else {
        cenv_overlay_let_go(&kept);
        cenv_fs_discard_tree(top, CENV_OVERLAY_OLD_UPPER);
        cenv_fs_discard_tree(top, CENV_OVERLAY_OLD_WORK);
    }
    cenv_fd_close(top);
    return rc;
}

int cenv_overlay_check_namespace(const char *name, struct cenv_error *err)
{
    struct cenv_buf here;
    cenv_buf_init(&here, 64);
    int rc = cenv_ns_name(&here, err);
    if (rc == 0 && (!name || !cenv_str_is(cenv_buf_str(&here), name))) {
        rc = cenv_error_set(
            err, CENV_ELINK,
            "mode overlay needs a process in a mount namespace of its own");
        cenv_error_hint(err, "enter one first: cenv.enter_overlay_namespace()");
    }
    cenv_buf_release(&here);
    return rc;
}
