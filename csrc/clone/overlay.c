/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overlay clones: see overlay.h. The relocated files are a layer of their own below the writable
 * one, so that a reset need not write them again. Nothing of the source is opened but the files that
 * are relocated; the manifest, which is mapped, tells which they are.
 */
#include "clone/overlay.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "cenv.h"
#include "os/namespace.h"
#include "os/path.h"

enum { WANTED = 1, FILLED = 2 };

/* The layer of relocated files on its way. */
struct layer {
    struct cenv_cloner *c;
    int top;              /* of the tmpfs; the layer is c->dst */
    unsigned char *wants; /* by directory: WANTED in the layer, FILLED with files */
    uint32_t *jobs;       /* the directories to fill */
    uint32_t nr_jobs;
};

/* ---- what goes into the layer ---- */

/* Anything that does not read as it lies in the source. */
static bool is_relocated(const struct cenv_cloner *c, const struct cenv_mf_file *file)
{
    if (file->flags & CENV_MF_LEFT_OUT)
        return false;
    if (file->type == CENV_MF_SYMLINK)
        return file->skip != 0;
    return cenv_cloner_writes(c, file) ||
           (file->twin != CENV_NONE && cenv_cloner_writes(c, &c->m->files[file->twin]));
}

static bool is_late(const struct cenv_mf_file *file)
{
    return (file->flags & CENV_MF_VALUES) || file->twin != CENV_NONE;
}

static void want_dir(struct layer *l, uint32_t dir)
{
    for (; !(l->wants[dir] & WANTED); dir = l->c->m->dirs[dir].parent) {
        l->wants[dir] |= WANTED;
        if (dir == 0)
            return;
    }
}

/* CENV_NONE when the manifest has no such directory. */
static uint32_t find_dir(const struct cenv_manifest *m, struct cenv_str path)
{
    for (uint32_t i = 0; i < m->nr_dirs; i++)
        if (cenv_str_eq(cenv_mf_str(m, m->dirs[i].path), path))
            return i;
    return CENV_NONE;
}

/* What a clone does not carry over, notes tell: it must not show through either. */
static bool is_hidden(const struct cenv_mf_note *note)
{
    return note->kind == CENV_NOTE_SKIPPED;
}

static void count_shared(struct cenv_cloner_thread *t, const struct cenv_mf_file *file)
{
    if (file->flags & CENV_MF_LEFT_OUT)
        return;
    t->files++;
    t->bytes_shared += file->type == CENV_MF_FILE ? file->size : 0;
}

static int choose(struct layer *l, struct cenv_error *err)
{
    const struct cenv_manifest *m = l->c->m;
    l->wants = cenv_calloc(m->nr_dirs, 1);
    l->jobs = cenv_reallocarray(NULL, m->nr_dirs, sizeof(*l->jobs));
    if (!l->wants || !l->jobs)
        return cenv_error_oom(err);
    want_dir(l, 0);
    for (uint32_t i = 0; i < m->nr_files; i++) {
        if (!is_relocated(l->c, &m->files[i])) {
            count_shared(l->c->thread[0], &m->files[i]);
            continue;
        }
        want_dir(l, m->files[i].dir);
        if (!(l->wants[m->files[i].dir] & FILLED))
            l->jobs[l->nr_jobs++] = m->files[i].dir;
        l->wants[m->files[i].dir] |= FILLED;
    }
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        struct cenv_str path = cenv_mf_str(m, m->notes[i].path);
        uint32_t dir =
            is_hidden(&m->notes[i]) ? find_dir(m, cenv_path_parent(path)) : CENV_NONE;
        if (dir != CENV_NONE)
            want_dir(l, dir);
    }
    return 0;
}

/* ---- writing it ---- */

static const char *path_of(const struct layer *l, uint32_t dir)
{
    return dir ? cenv_mf_cstr(l->c->m, l->c->m->dirs[dir].path) : ".";
}

static int make_dirs(struct layer *l, struct cenv_error *err)
{
    for (uint32_t i = 1; i < l->c->m->nr_dirs; i++) {
        int rc = l->wants[i] ? cenv_raw_mkdir(l->c->dst, path_of(l, i), 0700) : 0;
        if (rc < 0)
            return cenv_fs_fail(err, rc, l->c->dst, path_of(l, i), "cannot create");
    }
    return 0;
}

static int fill_dir(struct layer *l, uint32_t index, struct cenv_cloner_thread *t,
                    int from, int to, struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &l->c->m->dirs[index];
    int rc = 0;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files && rc == 0;
         i++) {
        const struct cenv_mf_file *file = &l->c->m->files[i];
        if (is_relocated(l->c, file) && !is_late(file))
            rc = cenv_cloner_place(l->c, t, from, to, i, err);
    }
    return rc;
}

static int fill_job(void *ctx, size_t job, unsigned thread, struct cenv_error *err)
{
    struct layer *l = ctx;
    const char *path = path_of(l, l->jobs[job]);
    int from = cenv_raw_open_dir(l->c->src, path);
    int to = cenv_raw_open_dir(l->c->dst, path), rc;
    if (from < 0)
        rc = cenv_cloner_changed(l->c, l->jobs[job], "", err);
    else if (to < 0)
        rc = cenv_fs_fail(err, to, l->c->dst, path, "cannot open");
    else
        rc = fill_dir(l, l->jobs[job], l->c->thread[thread], from, to, err);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

static int fill_late(struct layer *l, struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < l->c->m->nr_files && rc == 0; i++) {
        const struct cenv_mf_file *file = &l->c->m->files[i];
        if (is_late(file) && is_relocated(l->c, file))
            rc = cenv_cloner_place_late(l->c, l->c->thread[0], i, err);
    }
    return rc;
}

static int hide_notes(struct layer *l, struct cenv_error *err)
{
    const struct cenv_manifest *m = l->c->m;
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        const char *path = cenv_mf_cstr(m, m->notes[i].path);
        int rc = is_hidden(&m->notes[i]) ? cenv_raw_whiteout(l->c->dst, path) : 0;
        if (rc < 0 && rc != -EEXIST && rc != -ENOENT)
            return cenv_fs_fail(err, rc, l->c->dst, path, "cannot hide");
    }
    return 0;
}

static int copy_xattrs(const struct layer *l, const char *path)
{
    int from = cenv_raw_open_dir(l->c->src, path);
    int to = cenv_raw_open_dir(l->c->dst, path);
    int rc = from < 0 ? from : to < 0 ? to : cenv_raw_copy_xattrs(from, to);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

/* A directory of the layer stands for the source's: with its mode, time and attributes. */
static int finish_dirs(struct layer *l, uint32_t root_mode, struct cenv_error *err)
{
    const struct cenv_mf_dir *dirs = l->c->m->dirs;
    for (uint32_t i = l->c->m->nr_dirs; i-- > 0;) {
        if (!l->wants[i])
            continue;
        int rc = dirs[i].flags & CENV_MF_XATTR ? copy_xattrs(l, path_of(l, i)) : 0;
        if (rc == 0)
            rc = cenv_raw_chmod(l->c->dst, path_of(l, i), i ? dirs[i].mode : root_mode);
        if (rc == 0)
            rc = cenv_raw_set_mtime(l->c->dst, path_of(l, i), dirs[i].mtime_ns);
        if (rc < 0)
            return cenv_fs_fail(err, rc, l->c->dst, path_of(l, i),
                                "cannot set mode and time of");
    }
    return 0;
}

static int write_layer(struct layer *l, uint32_t root_mode, struct cenv_error *err)
{
    struct cenv_cloner *c = l->c;
    struct cenv_span span = cenv_span_begin("relocate", "");
    int rc = choose(l, err);
    if (rc == 0)
        rc = make_dirs(l, err);
    if (rc == 0)
        rc = cenv_pool_run(c->threads, l->nr_jobs, fill_job, l, c->task, err);
    if (rc == 0)
        rc = fill_late(l, err);
    if (rc == 0)
        rc = hide_notes(l, err);
    if (rc == 0)
        rc = finish_dirs(l, root_mode, err);
    span.items = c->m->nr_relocs;
    cenv_span_end(c->task, &span);
    cenv_free(l->wants);
    cenv_free(l->jobs);
    return rc;
}

/* ---- mounts ---- */

static int make_and_open(int top, const char *name, struct cenv_error *err)
{
    int rc = cenv_fs_mkdir(top, name, 0700, err);
    return rc < 0 ? rc : cenv_fs_open_dir(top, name, err);
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
static int show(const char *path, int top, int layer, int source,
                struct cenv_error *err)
{
    int upper = make_and_open(top, CENV_OVERLAY_UPPER, err);
    int work = upper < 0 ? upper : make_and_open(top, CENV_OVERLAY_WORK, err);
    int rc = work < 0 ? work : dress_upper(upper, layer, err);
    if (rc == 0)
        rc = cenv_ns_mount_overlay(path, (int[]){layer, source}, 2, upper, work, err);
    cenv_fd_close(work);
    cenv_fd_close(upper);
    return rc;
}

static int fill_and_show(struct cenv_cloner *c, const char *path, uint32_t mode,
                         struct cenv_error *err)
{
    struct layer layer = {.c = c, .top = cenv_fs_open_root(path, err)};
    int rc = layer.top < 0 ? layer.top : 0;
    if (rc == 0) {
        c->dst = make_and_open(layer.top, CENV_OVERLAY_LAYER, err);
        rc = c->dst < 0 ? c->dst : write_layer(&layer, mode, err);
    }
    if (rc == 0) {
        struct cenv_span span = cenv_span_begin("mount", "");
        rc = show(path, layer.top, c->dst, c->src, err);
        cenv_span_end(c->task, &span);
    }
    cenv_fd_close(c->dst);
    cenv_fd_close(layer.top);
    c->dst = -1;
    return rc;
}

int cenv_overlay_make(struct cenv_cloner *c, struct cenv_newprefix *dst,
                      struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    uint32_t mode = dst->exists ? dst->exists_mode : c->m->dirs[0].mode;
    c->mode = CENV_PLACE_COPY;
    c->mask = 0777; /* modes are always set: another umask may hold below the mount */
    int rc = cenv_newprefix_publish(dst, mode, err);
    if (rc < 0)
        return rc;
    rc = cenv_ns_mount_tmpfs(dst->path, err);
    if (rc == 0)
        rc = fill_and_show(c, dst->path, mode, err);
    if (rc < 0) {
        cenv_overlay_unmount(dst->path, &ignored);
        cenv_error_release(&ignored);
        cenv_newprefix_withdraw(dst);
    }
    return rc;
}

int cenv_overlay_unmount(const char *path, struct cenv_error *err)
{
    int shown = cenv_ns_unmount(path, "overlay", err);
    if (shown < 0)
        return shown;
    int rc = cenv_ns_unmount(path, "tmpfs", err);
    return rc < 0 ? rc : shown && rc;
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

/* Counts and removes what was written; the tmpfs is what lies at the path now. */
static int drop_changes(int top, uint64_t *changes, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct cenv_error uncounted = CENV_ERROR_INIT; /* directories that cannot be read */
    int upper = cenv_fs_open_dir(top, CENV_OVERLAY_UPPER, err);
    int rc = upper < 0 ? upper : cenv_task_poll(task, err);
    if (rc == 0)
        cenv_fs_walk(upper, false, count_change, changes, task, &uncounted);
    cenv_error_release(&uncounted);
    cenv_fd_close(upper);
    if (rc == 0)
        rc = cenv_fs_remove_tree(top, CENV_OVERLAY_UPPER, err);
    return rc < 0 ? rc : cenv_fs_remove_tree(top, CENV_OVERLAY_WORK, err);
}

int cenv_overlay_restore(const char *path, int source, uint64_t *changes,
                         struct cenv_task *task, struct cenv_error *err)
{
    int rc = cenv_ns_unmount(path, "overlay", err);
    if (rc == 1) {
        cenv_error_set(err, CENV_ELINK, "the clone '%s' is not mounted here", path);
        return cenv_error_hint(err,
                               "an overlay clone is there only for the process that "
                               "made it and its children");
    }
    int top = rc < 0 ? rc : cenv_fs_open_root(path, err);
    int layer = top < 0 ? top : cenv_fs_open_dir(top, CENV_OVERLAY_LAYER, err);
    rc = layer < 0 ? layer : drop_changes(top, changes, task, err);
    if (rc == 0)
        rc = show(path, top, layer, source, err);
    cenv_fd_close(layer);
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
