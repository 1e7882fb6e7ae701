/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overlay clones. The relocated files are a layer of their own below the writable one, so that a
 * reset need not write them again.
 */
#include "clone/overlay.h"

#include <errno.h>

#include "clone/overlay_layer.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/fs_where.h"
#include "os/namespace.h"
#include "os/xattr.h"

enum { PATH_BYTES_MAX = 1 << 20 };

/* ---- mounts ---- */

/* What is shown, and the mode of its root. */
struct shown {
    int top, layer, source;
    uint32_t root_mode;
};

/* The root of an overlay has the attributes of its uppermost directory. */
static int dress_upper(int upper, const struct shown *shown, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(shown->layer, &st);
    if (rc == 0)
        rc = cenv_raw_copy_xattrs(shown->layer, upper);
    if (rc == 0)
        rc = cenv_raw_chmod_fd(upper, shown->root_mode);
    if (rc == 0)
        rc = cenv_raw_set_mtime_fd(upper, st.mtime_ns);
    return rc < 0 ? cenv_fs_fail(err, rc, upper, NULL, "cannot set mode and time of")
                  : 0;
}

/* Shows the layers at `path`, with new directories for what is written. */
static int show_layers(const char *path, const struct shown *shown,
                       struct cenv_error *err)
{
    int work = -1, rc, layers[] = {shown->layer, shown->source};
    int upper = cenv_fs_mkdir_open(shown->top, CENV_OVERLAY_UPPER, 0700, err);
    if (upper < 0)
        return upper;
    rc = dress_upper(upper, shown, err);
    if (rc < 0)
        goto out;
    rc = work = cenv_fs_mkdir_open(shown->top, CENV_OVERLAY_WORK, 0700, err);
    if (work >= 0)
        rc = cenv_ns_mount_overlay(path, layers, 2, upper, work, err);
out:
    cenv_fd_close(work);
    cenv_fd_close(upper);
    return rc;
}

/* ---- the layer ---- */

static int write_layer(struct cenv_clone_job *job, const struct shown *shown,
                       struct cenv_error *err)
{
    struct cenv_overlay_layer layer = {.kind = CENV_LAYER_SHOWN,
                                       .dir = shown->layer,
                                       .root_mode = shown->root_mode,
                                       .threads = cenv_clone_job_threads(job)};
    return cenv_overlay_layer_write(&job->prepared, &layer, &job->result, job->task,
                                    err);
}

/* Nothing is written: all is shared. */
static void count_shown(const struct cenv_remembered *remembered,
                        struct cenv_clone_counts *counts)
{
    const struct cenv_manifest *m = remembered->m;
    *counts = (struct cenv_clone_counts){0};
    for (uint32_t i = 0; i < m->nr_files; i++) {
        const struct cenv_mf_file *file = &m->files[i];
        const struct cenv_memory_file *had =
            cenv_remembered_get(remembered, file->reloc);
        if (file->flags & CENV_MF_LEFT_OUT)
            continue;
        counts->files++;
        counts->remembered += had != NULL;
        counts->relocated += had && !(file->flags & CENV_MF_DEPENDENT);
        if (file->type == CENV_MF_FILE)
            counts->bytes_shared += had ? had->size : file->size;
    }
}

/* A reset finds it by the link. */
static int use_memory(struct cenv_clone_job *job, struct shown *shown,
                      struct cenv_error *err)
{
    int layer = job->remembered.memory.layer;
    struct cenv_buf path;
    shown->layer = cenv_raw_dup(layer);
    if (shown->layer < 0)
        return cenv_fs_fail(err, shown->layer, layer, NULL, "cannot open");
    cenv_buf_init(&path, PATH_BYTES_MAX);
    count_shown(&job->remembered, &job->result.counts);
    int rc = cenv_fs_path_of(layer, NULL, &path)
                 ? cenv_fs_symlink(path.data, shown->top, CENV_OVERLAY_MEMORY, err)
                 : cenv_error_oom(err);
    cenv_buf_release(&path);
    return rc;
}

static int get_layer(struct cenv_clone_job *job, struct shown *shown,
                     struct cenv_error *err)
{
    if (cenv_remembered_is_there(&job->remembered))
        return use_memory(job, shown, err);
    shown->layer = cenv_fs_mkdir_open(shown->top, CENV_OVERLAY_LAYER, 0700, err);
    return shown->layer < 0 ? shown->layer : write_layer(job, shown, err);
}

static int get_and_show(struct cenv_clone_job *job, int top, struct cenv_error *err)
{
    const struct cenv_newprefix *dst = &job->dst;
    struct shown shown = {.top = top,
                          .layer = -1,
                          .source = job->prepared.src,
                          .root_mode = dst->exists ? dst->exists_mode
                                                   : job->prepared.m->dirs[0].mode};
    int rc = get_layer(job, &shown, err);
    if (rc == 0) {
        struct cenv_span span = cenv_span_begin(CENV_STAGE_MOUNT, "");
        rc = show_layers(dst->path, &shown, err);
        cenv_span_end(job->task, &span);
    }
    cenv_fd_close(shown.layer);
    return rc;
}

static int mount_clone(struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_ns_mount_tmpfs(job->dst.path, err);
    if (rc < 0)
        return rc;
    int top = cenv_fs_open_root(job->dst.path, err);
    if (top < 0)
        return top;
    rc = get_and_show(job, top, err);
    cenv_fd_close(top);
    return rc;
}

int cenv_overlay_make(struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_newprefix_publish(&job->dst, job->prepared.m->dirs[0].mode, err);
    if (rc < 0)
        return rc;
    rc = mount_clone(job, err);
    if (rc < 0)
        cenv_overlay_withdraw(&job->dst);
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

/* Of the clone that lies open as `top`: its own, or the one it was given; or a status. */
static int open_layer(int top, struct cenv_error *err)
{
    struct cenv_buf path;
    int own = cenv_raw_open_dir(top, CENV_OVERLAY_LAYER);
    if (own != -ENOENT)
        return own < 0 ? cenv_fs_fail(err, own, top, CENV_OVERLAY_LAYER, "cannot open")
                       : own;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    int rc = cenv_fs_readlink(top, CENV_OVERLAY_MEMORY, &path, err);
    if (rc == 0)
        rc = cenv_fs_open_root(path.data, err);
    cenv_buf_release(&path);
    return rc;
}

/* The tmpfs is what lies at the path now. */
static int restore_top(const char *path, const struct shown *shown, uint64_t *changes,
                       struct cenv_task *task, struct cenv_error *err)
{
    int rc = count_changes(shown->top, changes, task, err);
    if (rc == 0)
        rc = set_changes_aside(shown->top, err);
    if (rc == 0)
        rc = show_layers(path, shown, err);
    if (rc < 0) {
        put_back(shown->top, CENV_OVERLAY_OLD_UPPER, CENV_OVERLAY_UPPER);
        put_back(shown->top, CENV_OVERLAY_OLD_WORK, CENV_OVERLAY_WORK);
    }
    return rc;
}

static int restore_layer(const char *path, const struct shown *shown, uint64_t *changes,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct shown with = *shown;
    struct cenv_stat st;
    with.layer = open_layer(shown->top, err);
    if (with.layer < 0 && cenv_raw_is_absent(-err->os_errno)) {
        cenv_error_release(err);
        return 1;
    }
    if (with.layer < 0)
        return with.layer;
    if (!with.root_mode && cenv_raw_stat_fd(with.layer, &st) == 0)
        with.root_mode = st.mode;
    int rc = restore_top(path, &with, changes, task, err);
    cenv_fd_close(with.layer);
    return rc;
}

int cenv_overlay_restore(const char *path, int source, uint32_t root_mode,
                         uint64_t *changes, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_overlay_kept kept = {-1, -1};
    int rc = cenv_ns_set_aside(path, "overlay", &kept.shown, err);
    if (rc != 0)
        return rc == 1 ? cenv_overlay_refuse_unmounted(path, err) : rc;
    int top = cenv_fs_open_root(path, err);
    struct shown shown = {.top = top, .source = source, .root_mode = root_mode};
    rc = top < 0 ? top : restore_layer(path, &shown, changes, task, err);
    if (rc != 0) {
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
