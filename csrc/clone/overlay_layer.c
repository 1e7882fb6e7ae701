/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layer of relocated files. Nothing of the source is opened but the files that are relocated;
 * the manifest, which is mapped, tells which they are.
 */
#include "clone/overlay_layer.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "clone/clone_file.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/namespace.h"
#include "os/path.h"
#include "os/xattr.h"

enum { WANTED = 1, FILLED = 2 };

/* A layer on its way. */
struct layer {
    struct cenv_cloner *c;
    const struct cenv_overlay_layer *asked;
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
           (file->peer != CENV_NONE && cenv_cloner_writes(c, &c->m->files[file->peer]));
}

static bool is_wanted(const struct layer *l, const struct cenv_mf_file *file)
{
    switch (l->asked->kind) {
    case CENV_LAYER_SHOWN:
        return is_relocated(l->c, file);
    case CENV_LAYER_REMEMBERED:
        return cenv_cloner_remembers(l->c, file);
    default:
        return !(file->flags & CENV_MF_LEFT_OUT) && cenv_cloner_is_own(l->c->m, file);
    }
}

/* Directories that are there keep what they have, but for their time after what came into them, and
 * a mode that let nothing come in. */
static bool is_rest(const struct layer *l)
{
    return l->asked->kind == CENV_LAYER_REST;
}

static bool is_deferred(const struct cenv_mf_file *file)
{
    return (file->flags & CENV_MF_DEPENDENT) || file->peer != CENV_NONE;
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
static bool is_hidden(const struct layer *l, const struct cenv_mf_note *note)
{
    return l->asked->kind == CENV_LAYER_SHOWN && note->kind == CENV_NOTE_SKIPPED;
}

static void count_shared(struct cenv_cloner_thread *t, const struct cenv_mf_file *file)
{
    if (file->flags & CENV_MF_LEFT_OUT)
        return;
    t->counts.files++;
    t->counts.bytes_shared += file->type == CENV_MF_FILE ? file->size : 0;
}

static int choose_files(struct layer *l, struct cenv_error *err)
{
    const struct cenv_manifest *m = l->c->m;
    l->wants = cenv_calloc(m->nr_dirs, 1);
    l->jobs = cenv_reallocarray(NULL, m->nr_dirs, sizeof(*l->jobs));
    if (!l->wants || !l->jobs)
        return cenv_error_oom(err);
    want_dir(l, 0);
    for (uint32_t i = 0; i < m->nr_files; i++) {
        if (!is_wanted(l, &m->files[i])) {
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
        uint32_t dir = is_hidden(l, &m->notes[i]) ? find_dir(m, cenv_path_parent(path))
                                                  : CENV_NONE;
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
    for (uint32_t i = 1; i < l->c->m->nr_dirs && !is_rest(l); i++) {
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
        if (is_wanted(l, file) && !is_deferred(file))
            rc = cenv_clone_file_place(l->c, t, from, to, i, err);
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
        rc = cenv_cloner_set_changed(l->c, l->jobs[job], "", err);
    else if (to < 0)
        rc = cenv_fs_fail(err, to, l->c->dst, path, "cannot open");
    else
        rc = fill_dir(l, l->jobs[job], l->c->thread[thread], from, to, err);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

static int fill_deferred(struct layer *l, struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < l->c->m->nr_files && rc == 0; i++) {
        const struct cenv_mf_file *file = &l->c->m->files[i];
        if (is_deferred(file) && is_wanted(l, file))
            rc = cenv_clone_file_place_deferred(l->c, l->c->thread[0], i, err);
    }
    return rc;
}

static int hide_notes(struct layer *l, struct cenv_error *err)
{
    const struct cenv_manifest *m = l->c->m;
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        const char *path = cenv_mf_cstr(m, m->notes[i].path);
        int rc = is_hidden(l, &m->notes[i]) ? cenv_raw_whiteout(l->c->dst, path) : 0;
        if (rc < 0 && rc != -EEXIST && rc != -ENOENT)
            return cenv_fs_fail(err, rc, l->c->dst, path, "cannot hide");
    }
    return 0;
}

static int copy_xattrs(const struct layer *l, const char *path)
{
    int from = cenv_raw_open_dir(l->c->src, path);
    int to = cenv_raw_open_dir(l->c->dst, path);
    int rc = from < 0 ? from : to;
    if (from >= 0 && to >= 0)
        rc = cenv_raw_copy_xattrs(from, to);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

/* 0 or -errno, as the next. */
static int dress_dir(const struct layer *l, uint32_t index)
{
    const struct cenv_mf_dir *dir = &l->c->m->dirs[index];
    const char *path = path_of(l, index);
    int rc = 0;
    if (!l->wants[index])
        return 0;
    if (dir->flags & CENV_MF_XATTR)
        rc = copy_xattrs(l, path);
    if (rc == 0)
        rc = cenv_raw_chmod(l->c->dst, path, index ? dir->mode : l->asked->root_mode);
    if (rc == 0)
        rc = cenv_raw_set_mtime(l->c->dst, path, dir->mtime_ns);
    return rc;
}

static int dress_old_dir(const struct layer *l, uint32_t index)
{
    const struct cenv_mf_dir *dir = &l->c->m->dirs[index];
    const char *path = path_of(l, index);
    int rc = 0;
    if (index && (~dir->mode & 0700))
        rc = cenv_raw_chmod(l->c->dst, path, dir->mode);
    if (rc == 0 && (l->wants[index] & FILLED))
        rc = cenv_raw_set_mtime(l->c->dst, path, dir->mtime_ns);
    return rc;
}

/* A directory of the layer stands for the source's: with its mode, time and attributes. */
static int finish_dirs(struct layer *l, struct cenv_error *err)
{
    for (uint32_t i = l->c->m->nr_dirs; i-- > 0;) {
        int rc = is_rest(l) ? dress_old_dir(l, i) : dress_dir(l, i);
        if (rc < 0)
            return cenv_fs_fail(err, rc, l->c->dst, path_of(l, i),
                                "cannot set mode and time of");
    }
    return 0;
}

static int fill_dirs(struct layer *l, struct cenv_error *err)
{
    return cenv_pool_run(l->c->threads, l->nr_jobs, fill_job, l, l->c->task, err);
}

static int write_layer(struct cenv_cloner *c, const struct cenv_overlay_layer *asked,
                       struct cenv_error *err)
{
    struct layer layer = {.c = c, .asked = asked};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_RELOCATE, "");
    int rc = choose_files(&layer, err);
    if (rc == 0)
        rc = make_dirs(&layer, err);
    if (rc == 0)
        rc = fill_dirs(&layer, err);
    if (rc == 0)
        rc = fill_deferred(&layer, err);
    if (rc == 0)
        rc = hide_notes(&layer, err);
    if (rc == 0)
        rc = finish_dirs(&layer, err);
    span.items = c->m->nr_relocs;
    cenv_span_end(c->task, &span);
    cenv_free(layer.wants);
    cenv_free(layer.jobs);
    return rc;
}

int cenv_overlay_layer_write(const struct cenv_prepared_clone *prepared,
                             const struct cenv_overlay_layer *layer,
                             struct cenv_clone_result *result, struct cenv_task *task,
                             struct cenv_error *err)
{
    bool shown = layer->kind == CENV_LAYER_SHOWN;
    /* Modes are always set: another umask may hold below the mount. */
    struct cenv_clone_target target = {.dst = layer->dir,
                                       .mask = 0777,
                                       .mode = shown ? CENV_PLACE_COPY : layer->placing,
                                       .remembered = layer->remembered,
                                       .told = layer->told};
    struct cenv_cloner c;
    int rc = cenv_cloner_init(&c, prepared, &target, layer->threads, task, err);
    if (rc == 0)
        rc = write_layer(&c, layer, err);
    cenv_cloner_finish(&c, result);
    return rc;
}
