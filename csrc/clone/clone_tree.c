/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Placing everything a manifest describes. One job is one directory: made, filled, and given its
 * time at once when nothing is to come below it.
 */
#include "clone/clone_tree.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "clone/clone_file.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/xattr.h"

enum made { NOT_YET, MADE, FAILED };

/* A tree on its way; both arrays are by directory. */
struct tree {
    struct cenv_cloner *c;
    atomic_uchar *made; /* enum made */
    /* 1: it has directories below, or deferred files, and is finished after them. */
    unsigned char *parent;
};

/* Directories whose own time must wait for what is still to come into them. */
static void find_parents(struct tree *tree)
{
    const struct cenv_manifest *m = tree->c->m;
    for (uint32_t i = 1; i < m->nr_dirs; i++)
        tree->parent[m->dirs[i].parent] = 1;
    for (uint32_t i = 0; i < m->nr_files; i++)
        if (m->files[i].peer != CENV_NONE || (m->files[i].flags & CENV_MF_DEPENDENT))
            tree->parent[m->files[i].dir] = 1;
    tree->parent[0] = 1;
}

static void release_tree(struct tree *tree)
{
    cenv_free(tree->made);
    cenv_free(tree->parent);
}

static int init_tree(struct tree *tree, struct cenv_cloner *c, struct cenv_error *err)
{
    *tree = (struct tree){.c = c};
    tree->made = cenv_calloc(c->m->nr_dirs, sizeof(*tree->made));
    tree->parent = cenv_calloc(c->m->nr_dirs, 1);
    if (!tree->made || !tree->parent) {
        release_tree(tree);
        return cenv_error_oom(err);
    }
    find_parents(tree);
    return 0;
}

/* ---- directories ---- */

/* Into one that a part of its files is still to come into, they must be able to. */
static uint32_t mode_of(const struct cenv_cloner *c, const struct cenv_mf_dir *dir)
{
    return dir->mode | (c->common ? 0700 : 0);
}

/* What making could not give it. */
static uint32_t missing_bits(const struct cenv_cloner *c, const struct cenv_mf_dir *dir)
{
    return (dir->mode & c->mask) | (dir->mode & 07000) | (~dir->mode & 0700);
}

/*
 * Directories come parents first, so the job of the parent was taken before this one, and making
 * the directory is the first thing it does: the thread spins for one mkdir, which is shorter than
 * any sleep. Where that takes longer the other thread has no processor, and is not to be kept from
 * one. When the task is cancelled before that job starts, polling ends the wait.
 */
enum { SPINS = 1000, PAUSE_US = 50 };

static int wait_for_parent(const struct tree *tree, uint32_t index,
                           struct cenv_error *err)
{
    atomic_uchar *made = &tree->made[tree->c->m->dirs[index].parent];
    for (int spins = 0;; spins++) {
        if (spins >= SPINS)
            cenv_clock_sleep_us(PAUSE_US);
        switch (atomic_load_explicit(made, memory_order_acquire)) {
        case MADE:
            return 0;
        case FAILED:
            return cenv_error_set(err, CENV_ECANCELLED, "another directory failed");
        default:
            if (cenv_task_poll(tree->c->task, err) < 0)
                return err->status;
        }
    }
}

/* The first one is there already. */
static int make_dir(const struct tree *tree, uint32_t index, struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &tree->c->m->dirs[index];
    const char *path = cenv_mf_cstr(tree->c->m, dir->path);
    int rc = index ? wait_for_parent(tree, index, err) : 0;
    if (rc == 0 && index) {
        int raw = cenv_raw_mkdir(tree->c->dst, path, dir->mode | 0700);
        if (raw < 0)
            rc = cenv_fs_fail(err, raw, tree->c->dst, path, "cannot create");
    }
    atomic_store_explicit(&tree->made[index], rc == 0 ? MADE : FAILED,
                          memory_order_release);
    return rc;
}

static bool is_placed(const struct cenv_cloner *c, const struct cenv_mf_file *file)
{
    return !(file->flags & CENV_MF_LEFT_OUT) &&
           !(c->common && cenv_cloner_is_own(c->m, file));
}

/* Written, or linked, once the others are there. */
static bool is_deferred(const struct cenv_cloner *c, const struct cenv_mf_file *file)
{
    if (file->flags & CENV_MF_DEPENDENT)
        return true;
    /* A hard link to the source's inode is as good as one to the peer's. */
    return file->peer != CENV_NONE &&
           (!cenv_cloner_shares(c, file) ||
            !cenv_cloner_shares(c, &c->m->files[file->peer]));
}

static bool is_same_dir(const struct cenv_mf_dir *dir, const struct cenv_stat *st)
{
    return st->ino == dir->ino && st->mtime_ns == dir->mtime_ns;
}

/* Mode, time and attributes of a directory that nothing comes into any more; or -errno. */
static int dress_dir(struct cenv_cloner *c, const struct cenv_mf_dir *dir, int from,
                     int to)
{
    int rc = dir->flags & CENV_MF_XATTR ? cenv_raw_copy_xattrs(from, to) : 0;
    if (rc == 0 && missing_bits(c, dir))
        rc = cenv_raw_chmod_fd(to, mode_of(c, dir));
    if (rc == 0)
        rc = cenv_cloner_forgive_time(c, cenv_raw_set_mtime_fd(to, dir->mtime_ns));
    return rc;
}

static int fill_dir(const struct tree *tree, uint32_t index,
                    struct cenv_cloner_thread *t, int from, int to,
                    struct cenv_error *err)
{
    struct cenv_cloner *c = tree->c;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_stat st;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files; i++) {
        const struct cenv_mf_file *file = &c->m->files[i];
        if (is_placed(c, file) && !is_deferred(c, file) &&
            cenv_clone_file_place(c, t, from, to, i, err) < 0)
            return err->status;
    }
    /* After the files: what was added, renamed or removed before they were linked shows here. */
    int raw = cenv_raw_stat_fd(from, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, from, NULL, "cannot look at");
    if (!is_same_dir(dir, &st))
        return cenv_cloner_set_changed(c, index, "", err);
    raw = tree->parent[index] ? 0 : dress_dir(c, dir, from, to);
    return raw < 0 ? cenv_fs_fail(err, raw, to, NULL, "cannot set mode and time of")
                   : 0;
}

/* Without files it is finished with those below it, and need not be opened. */
static int check_dir(const struct tree *tree, uint32_t index, const char *path,
                     struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(tree->c->src, path, &st);
    if (raw < 0 && !cenv_raw_is_absent(raw))
        return cenv_fs_fail(err, raw, tree->c->src, path, "cannot look at");
    if (raw == 0 && is_same_dir(&tree->c->m->dirs[index], &st))
        return 0;
    return cenv_cloner_set_changed(tree->c, index, "", err);
}

static int place_dir(void *ctx, size_t job, unsigned thread, struct cenv_error *err)
{
    const struct tree *tree = ctx;
    struct cenv_cloner *c = tree->c;
    uint32_t index = (uint32_t)job;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    const char *path = index ? cenv_mf_cstr(c->m, dir->path) : ".";
    int rc = make_dir(tree, index, err);
    if (rc < 0)
        return rc;
    if (dir->nr_files == 0 && tree->parent[index])
        return check_dir(tree, index, path, err);
    int from = cenv_raw_open_dir(c->src, path), to = cenv_raw_open_dir(c->dst, path);
    if (cenv_raw_is_absent(from))
        rc = cenv_cloner_set_changed(c, index, "", err);
    else if (from < 0)
        rc = cenv_fs_fail(err, from, c->src, path, "cannot open directory");
    else if (to < 0)
        rc = cenv_fs_fail(err, to, c->dst, path, "cannot open");
    else
        rc = fill_dir(tree, index, c->thread[thread], from, to, err);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

/* Or -errno. */
static int copy_dir_xattrs(const struct cenv_cloner *c, const char *path)
{
    int from = cenv_raw_open_dir(c->src, path), to = cenv_raw_open_dir(c->dst, path);
    int rc = from < 0 ? from : to;
    if (from >= 0 && to >= 0)
        rc = cenv_raw_copy_xattrs(from, to);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

/* Bottom up, so that no time is changed by what is made below it. */
static int finish_dirs(const struct tree *tree, struct cenv_error *err)
{
    struct cenv_cloner *c = tree->c;
    for (uint32_t i = c->m->nr_dirs; i-- > 0;) {
        const struct cenv_mf_dir *dir = &c->m->dirs[i];
        const char *path = i ? cenv_mf_cstr(c->m, dir->path) : ".";
        int rc = 0;
        if (!tree->parent[i])
            continue;
        if (dir->flags & CENV_MF_XATTR)
            rc = copy_dir_xattrs(c, path);
        if (rc == 0 && i && missing_bits(c, dir))
            rc = cenv_raw_chmod(c->dst, path, mode_of(c, dir));
        if (rc == 0)
            rc = cenv_cloner_forgive_time(
                c, cenv_raw_set_mtime(c->dst, path, dir->mtime_ns));
        if (rc < 0)
            return cenv_fs_fail(err, rc, c->dst, path, "cannot set mode and time of");
    }
    return 0;
}

/* ---- the whole ---- */

static int place_files(struct tree *tree, struct cenv_error *err)
{
    struct cenv_cloner *c = tree->c;
    struct cenv_span span = cenv_span_begin(CENV_STAGE_FILES, "");
    cenv_task_progress(c->task, CENV_STAGE_FILES, c->m->nr_files);
    int rc = cenv_pool_run(c->threads, c->m->nr_dirs, place_dir, tree, c->task, err);
    span.items = c->m->nr_files;
    cenv_span_end(c->task, &span);
    return rc;
}

static int place_deferred(struct cenv_cloner *c, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_RECORDS, "");
    int rc = 0;
    for (uint32_t i = 0; i < c->m->nr_files && rc == 0; i++) {
        const struct cenv_mf_file *file = &c->m->files[i];
        if (!is_placed(c, file) || !is_deferred(c, file))
            continue;
        rc = cenv_task_poll(c->task, err);
        if (rc == 0)
            rc = cenv_clone_file_place_deferred(c, c->thread[0], i, err);
        span.items++;
    }
    cenv_span_end(c->task, &span);
    return rc;
}

static int time_dirs(const struct tree *tree, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_DIRECTORIES, "");
    int rc = finish_dirs(tree, err);
    span.items = tree->c->m->nr_dirs;
    cenv_span_end(tree->c->task, &span);
    return rc;
}

static int place_tree(struct cenv_cloner *c, struct cenv_error *err)
{
    struct tree tree;
    int rc = init_tree(&tree, c, err);
    if (rc < 0)
        return rc;
    rc = place_files(&tree, err);
    if (rc == 0)
        rc = place_deferred(c, err);
    if (rc == 0)
        rc = time_dirs(&tree, err);
    release_tree(&tree);
    return rc;
}

int cenv_clone_tree_place(const struct cenv_prepared_clone *prepared,
                          const struct cenv_clone_target *target, unsigned threads,
                          struct cenv_clone_result *result, struct cenv_task *task,
                          struct cenv_error *err)
{
    struct cenv_cloner c;
    int rc = cenv_cloner_init(&c, prepared, target, threads, task, err);
    if (rc == 0)
        rc = place_tree(&c, err);
    cenv_cloner_finish(&c, result);
    return rc;
}
