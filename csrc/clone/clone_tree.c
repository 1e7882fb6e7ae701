/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Placing everything a manifest describes: see cloner.h. One job is one directory: made, filled,
 * and given its time at once when nothing is to come below it. Directories come parents first, so a
 * job waits for its parent at most as long as that job takes to make it.
 */
#include "clone/clone_tree.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/pool.h"

enum { MADE = 1, FAILED = 2 };

/* ---- preparing ---- */

/* Where the prefix does not fit: an error in a package's file, a verbatim copy in others. */
static int check_room(struct cenv_cloner *c, struct cenv_error *err)
{
    for (uint32_t i = 0; i < c->m->nr_relocs; i++) {
        const struct cenv_mf_file *file = &c->m->files[c->m->relocs[i].file];
        struct cenv_sites sites = cenv_mf_sites(c->m, &c->m->relocs[i]);
        struct cenv_error why = CENV_ERROR_INIT;
        if (cenv_sites_fit(&sites, &c->forms, &why) == 0)
            continue;
        if (file->flags & CENV_MF_MANAGED) {
            const char *dir = cenv_mf_cstr(c->m, c->m->dirs[file->dir].path);
            cenv_error_move(err, &why);
            return cenv_error_prefix(err, "'%s%s%s'", dir, *dir ? "/" : "",
                                     cenv_mf_cstr(c->m, file->name));
        }
        c->verbatim[i] = 1;
        cenv_error_release(&why);
    }
    return 0;
}

/* Directories whose own time must wait for what is still to come into them. */
static void find_parents(struct cenv_cloner *c)
{
    for (uint32_t i = 1; i < c->m->nr_dirs; i++)
        c->parent[c->m->dirs[i].parent] = 1;
    for (uint32_t i = 0; i < c->m->nr_files; i++)
        if (c->m->files[i].twin != CENV_NONE || (c->m->files[i].flags & CENV_MF_VALUES))
            c->parent[c->m->files[i].dir] = 1;
    c->parent[0] = 1;
}

static struct cenv_cloner_thread *new_thread(void)
{
    struct cenv_cloner_thread *t = cenv_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->window = cenv_malloc(CENV_CLONER_WINDOW);
    t->digest = cenv_digest_new(CENV_SHA256);
    return t;
}

int cenv_cloner_init(struct cenv_cloner *c, const struct cenv_manifest *m, int src,
                     struct cenv_str prefix, unsigned threads, struct cenv_task *task,
                     struct cenv_error *err)
{
    *c = (struct cenv_cloner){.m = m, .task = task, .src = src, .dst = -1};
    c->threads = threads > CENV_CLONER_THREADS ? CENV_CLONER_THREADS : threads;
    c->mode = CENV_PLACE_COPY;
    c->made = cenv_calloc(m->nr_dirs, sizeof(*c->made));
    c->parent = cenv_calloc(m->nr_dirs, 1);
    c->verbatim = cenv_calloc((size_t)m->nr_relocs + 1, 1);
    c->cloned = cenv_calloc((size_t)m->nr_relocs + 1, sizeof(*c->cloned));
    bool ok = c->made && c->parent && c->verbatim && c->cloned;
    for (unsigned i = 0; i < c->threads && ok; i++) {
        c->thread[i] = new_thread();
        ok = c->thread[i] && c->thread[i]->window && c->thread[i]->digest;
    }
    int rc = ok ? cenv_forms_init(&c->forms, prefix, err) : cenv_error_oom(err);
    if (rc == 0)
        rc = check_room(c, err);
    if (rc < 0)
        cenv_cloner_release(c);
    else
        find_parents(c);
    return rc;
}

void cenv_cloner_release(struct cenv_cloner *c)
{
    for (unsigned i = 0; i < CENV_CLONER_THREADS; i++) {
        if (!c->thread[i])
            continue;
        cenv_free(c->thread[i]->window);
        cenv_digest_free(c->thread[i]->digest);
        cenv_free(c->thread[i]);
    }
    cenv_free(c->made);
    cenv_free(c->parent);
    cenv_free(c->verbatim);
    cenv_free(c->cloned);
    cenv_forms_release(&c->forms);
    *c = (struct cenv_cloner){.src = -1, .dst = -1};
}

/* ---- directories ---- */

/* What making could not give it. */
static uint32_t missing_bits(const struct cenv_cloner *c, const struct cenv_mf_dir *dir)
{
    return (dir->mode & c->mask) | (dir->mode & 07000) | (~dir->mode & 0700);
}

/* MADE or FAILED, or a status when the task is cancelled before the parent's job even starts. */
static int wait_for_parent(struct cenv_cloner *c, uint32_t index,
                           struct cenv_error *err)
{
    atomic_uchar *made = &c->made[c->m->dirs[index].parent];
    for (;;) {
        unsigned char state = atomic_load_explicit(made, memory_order_acquire);
        if (state)
            return state;
        int rc = cenv_task_poll(c->task, err);
        if (rc < 0)
            return rc;
    }
}

static int make_dir(struct cenv_cloner *c, uint32_t index, struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    const char *path = cenv_mf_cstr(c->m, dir->path);
    int rc = index ? wait_for_parent(c, index, err) : MADE;
    if (rc == MADE && index) {
        rc = cenv_raw_mkdir(c->dst, path, dir->mode | 0700);
        rc = rc < 0 ? cenv_fs_fail(err, rc, c->dst, path, "cannot create") : MADE;
    } else if (rc == FAILED) {
        rc = cenv_error_set(err, CENV_ECANCELLED, "another directory failed");
    }
    atomic_store_explicit(&c->made[index], rc == MADE ? MADE : FAILED,
                          memory_order_release);
    return rc == MADE ? 0 : rc;
}

/* Later: written once the others are there. */
static bool is_late(const struct cenv_cloner *c, const struct cenv_mf_file *file)
{
    if (file->flags & CENV_MF_VALUES)
        return true;
    /* A hard link to the source's inode is as good as one to the twin's. */
    return file->twin != CENV_NONE &&
           (c->mode != CENV_PLACE_HARDLINK || cenv_cloner_writes(c, file) ||
            (c->m->files[file->twin].flags & CENV_MF_SENSITIVE) ||
            cenv_cloner_writes(c, &c->m->files[file->twin]));
}

static bool is_same_dir(const struct cenv_mf_dir *dir, const struct cenv_stat *st)
{
    return st->ino == dir->ino && st->mtime_ns == dir->mtime_ns;
}

static int fill_dir(struct cenv_cloner *c, uint32_t index, struct cenv_cloner_thread *t,
                    int from, int to, struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_stat st;
    int rc = 0;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files && rc == 0;
         i++) {
        const struct cenv_mf_file *file = &c->m->files[i];
        if (!(file->flags & CENV_MF_LEFT_OUT) && !is_late(c, file))
            rc = cenv_cloner_place(c, t, from, to, i, err);
    }
    if (rc < 0)
        return rc;
    /* After the files: what was added, renamed or removed before they were linked shows here. */
    if (cenv_raw_stat_fd(from, &st) < 0 || !is_same_dir(dir, &st))
        return cenv_cloner_changed(c, index, "", err);
    if (c->parent[index])
        return 0;
    rc = dir->flags & CENV_MF_XATTR ? cenv_raw_copy_xattrs(from, to) : 0;
    if (rc == 0 && missing_bits(c, dir))
        rc = cenv_raw_chmod_fd(to, dir->mode);
    if (rc == 0)
        rc = cenv_raw_set_mtime_fd(to, dir->mtime_ns);
    return rc < 0 ? cenv_fs_fail(err, rc, to, NULL, "cannot set mode and time of") : 0;
}

static int clone_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct cenv_cloner *c = ctx;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    const char *path = index ? cenv_mf_cstr(c->m, dir->path) : ".";
    struct cenv_stat st;
    int rc = make_dir(c, (uint32_t)index, err);
    if (rc < 0)
        return rc;
    if (dir->nr_files == 0 && c->parent[index]) /* finished with those below it */
        return cenv_raw_stat(c->src, path, &st) == 0 && is_same_dir(dir, &st)
                   ? 0
                   : cenv_cloner_changed(c, (uint32_t)index, "", err);
    int from = cenv_raw_open_dir(c->src, path), to = cenv_raw_open_dir(c->dst, path);
    if (from < 0)
        rc = cenv_cloner_changed(c, (uint32_t)index, "", err);
    else if (to < 0)
        rc = cenv_fs_fail(err, to, c->dst, path, "cannot open");
    else
        rc = fill_dir(c, (uint32_t)index, c->thread[thread], from, to, err);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

static int copy_dir_xattrs(const struct cenv_cloner *c, const char *path)
{
    int from = cenv_raw_open_dir(c->src, path), to = cenv_raw_open_dir(c->dst, path);
    int rc = from < 0 ? from : to < 0 ? to : cenv_raw_copy_xattrs(from, to);
    cenv_fd_close(from);
    cenv_fd_close(to);
    return rc;
}

/* Bottom up, so that no time is changed by what is made below it. */
static int finish_dirs(struct cenv_cloner *c, struct cenv_error *err)
{
    for (uint32_t i = c->m->nr_dirs; i-- > 0;) {
        const struct cenv_mf_dir *dir = &c->m->dirs[i];
        const char *path = i ? cenv_mf_cstr(c->m, dir->path) : ".";
        int rc = 0;
        if (!c->parent[i])
            continue;
        if (dir->flags & CENV_MF_XATTR)
            rc = copy_dir_xattrs(c, path);
        if (rc == 0 && i && missing_bits(c, dir))
            rc = cenv_raw_chmod(c->dst, path, dir->mode);
        if (rc == 0)
            rc = cenv_raw_set_mtime(c->dst, path, dir->mtime_ns);
        if (rc < 0)
            return cenv_fs_fail(err, rc, c->dst, path, "cannot set mode and time of");
    }
    return 0;
}

/* ---- the whole ---- */

static int place_late(struct cenv_cloner *c, uint64_t *nr, struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < c->m->nr_files && rc == 0; i++) {
        const struct cenv_mf_file *file = &c->m->files[i];
        if ((file->flags & CENV_MF_LEFT_OUT) || !is_late(c, file))
            continue;
        rc = cenv_task_poll(c->task, err);
        if (rc == 0)
            rc = cenv_cloner_place_late(c, c->thread[0], i, err);
        ++*nr;
    }
    return rc;
}

int cenv_cloner_run(struct cenv_cloner *c, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin("files", "");
    cenv_task_progress(c->task, "files", c->m->nr_files);
    int rc = cenv_pool_run(c->threads, c->m->nr_dirs, clone_dir, c, c->task, err);
    span.items = c->m->nr_files;
    cenv_span_end(c->task, &span);
    if (rc < 0)
        return rc;
    span = cenv_span_begin("records", "");
    rc = place_late(c, &span.items, err);
    cenv_span_end(c->task, &span);
    if (rc < 0)
        return rc;
    span = cenv_span_begin("directories", "");
    span.items = c->m->nr_dirs;
    rc = finish_dirs(c, err);
    cenv_span_end(c->task, &span);
    return rc;
}
