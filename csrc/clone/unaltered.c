/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the clone wrote is its own: untouched when its ctime is not later than the clone. What it
 * shares with the source, by a hard link or through an overlay, changes its ctime with every link
 * that others make: that is untouched when it is the source's file, and that as its manifest says.
 */
#include "clone/unaltered.h"

#include <stdatomic.h>

#include "base/map.h"
#include "base/pool.h"
#include "clone/prepared_clone.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/host.h"
#include "relocate/splice.h"

enum { THREADS_MAX = 4 };

struct comparing {
    const struct cenv_clone_entry *clone;
    struct cenv_prepared_clone prepared; /* of the clone's own path */
    int root;                            /* the clone */
    int64_t since_ns;
    atomic_bool altered;
};

/* ---- files ---- */

/* Records and history tell of the request too, so that their size is not the source's to tell. */
static bool is_of_request(const struct cenv_manifest *m,
                          const struct cenv_mf_file *file)
{
    return cenv_str_is(cenv_mf_str(m, m->dirs[file->dir].path), "conda-meta");
}

static bool has_size(const struct comparing *c, const struct cenv_mf_file *file,
                     bool written, uint64_t size)
{
    const struct cenv_manifest *m = c->prepared.m;
    if ((file->flags & CENV_MF_DEPENDENT) || is_of_request(m, file))
        return true; /* times have to do */
    if (file->skip)
        return size ==
               file->target.len - file->skip + c->prepared.forms.of[CENV_ENC_UTF8].len;
    if (!written)
        return size == file->size;
    struct cenv_sites sites = cenv_mf_sites(m, &m->relocs[file->reloc]);
    return size == cenv_splice_size(&sites, &c->prepared.forms, file->size);
}

/* The source's very file. An overlay shows it with other numbers, until it is written to. */
static bool is_shared(const struct comparing *c, const struct cenv_stat *there,
                      const struct cenv_stat *source)
{
    return cenv_stat_same_file(there, source) ||
           (c->clone->shown_ino && there->ctime_ns == source->ctime_ns);
}

static bool is_unaltered(const struct comparing *c, const struct cenv_mf_file *file,
                         const struct cenv_stat *there, const struct cenv_stat *source)
{
    bool written = file->reloc != CENV_NONE && !c->prepared.verbatim[file->reloc];
    bool own = written || file->skip != 0;
    int64_t mtime = written ? cenv_mf_new_mtime(file) : file->mtime_ns;
    return there->type == source->type && there->mtime_ns == mtime &&
           (file->type == CENV_MF_SYMLINK || there->mode == file->mode) &&
           has_size(c, file, written, there->size) &&
           (there->ctime_ns <= c->since_ns || (!own && is_shared(c, there, source)));
}

static bool files_are_unaltered(const struct comparing *c,
                                const struct cenv_mf_dir *dir, int there, int source)
{
    const struct cenv_manifest *m = c->prepared.m;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files; i++) {
        const struct cenv_mf_file *file = &m->files[i];
        const char *name = cenv_mf_cstr(m, file->name);
        struct cenv_stat a, b;
        if (file->flags & CENV_MF_LEFT_OUT)
            continue;
        if (cenv_raw_stat(there, name, &a) < 0 || cenv_raw_stat(source, name, &b) < 0 ||
            !cenv_mf_is_same(file, &b) || !is_unaltered(c, file, &a, &b))
            return false;
    }
    return true;
}

/* ---- directories ---- */

/* How many entries the root of a clone has. */
static size_t count_entries(const struct cenv_manifest *m)
{
    size_t nr = 0;
    for (uint32_t i = 0; i < m->dirs[0].nr_files; i++)
        nr += !(m->files[m->dirs[0].first_file + i].flags & CENV_MF_LEFT_OUT);
    for (uint32_t i = 1; i < m->nr_dirs; i++)
        nr += m->dirs[i].parent == 0;
    return nr;
}

/* The rename that put it into place changed the ctime of the root: only its entries tell. */
static bool root_has_all(const struct comparing *c, int there)
{
    struct cenv_listing list;
    bool all = cenv_listing_read(&list, there, false) == 0 &&
               list.nr == count_entries(c->prepared.m);
    cenv_listing_release(&list);
    return all;
}

/* Whether nothing came into it, went, or was renamed. */
static bool is_unaltered_dir(const struct comparing *c, uint32_t index, int there,
                             int source)
{
    const struct cenv_mf_dir *dir = &c->prepared.m->dirs[index];
    uint32_t mode = index || !c->clone->root_mode ? dir->mode : c->clone->root_mode;
    struct cenv_stat a, b;
    if (cenv_raw_stat_fd(there, &a) < 0 || cenv_raw_stat_fd(source, &b) < 0 ||
        b.ino != dir->ino || b.mtime_ns != dir->mtime_ns ||
        a.mtime_ns != dir->mtime_ns || a.mode != mode)
        return false;
    /* One that was built anew since is not what was cloned, be it as it may. */
    if (index == 0)
        return b.ctime_ns <= c->since_ns &&
               (a.ctime_ns <= c->since_ns || root_has_all(c, there));
    return a.ctime_ns <= c->since_ns || is_shared(c, &a, &b);
}

static int compare_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct comparing *c = ctx;
    const struct cenv_mf_dir *dir = &c->prepared.m->dirs[index];
    const char *path = index ? cenv_mf_cstr(c->prepared.m, dir->path) : ".";
    (void)thread;
    (void)err;
    if (atomic_load(&c->altered))
        return 0;
    int there = cenv_raw_open_dir(c->root, path);
    int source = cenv_raw_open_dir(c->prepared.src, path);
    if (there < 0 || source < 0 ||
        !is_unaltered_dir(c, (uint32_t)index, there, source) ||
        !files_are_unaltered(c, dir, there, source))
        atomic_store(&c->altered, true);
    cenv_fd_close(source);
    cenv_fd_close(there);
    return 0;
}

/* ---- the whole ---- */

int cenv_unaltered_check(const struct cenv_clone_entry *clone, int root,
                         int64_t since_ns, const struct cenv_clone_source *source,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct comparing c = {.clone = clone, .root = root, .since_ns = since_ns};
    unsigned threads = cenv_host_cpus();
    int rc = cenv_prepared_clone_init(&c.prepared, source->manifest, source->fd,
                                      cenv_str(clone->path), err);
    if (rc < 0)
        return rc;
    rc = cenv_pool_run(threads > THREADS_MAX ? THREADS_MAX : threads,
                       source->manifest->nr_dirs, compare_dir, &c, task, err);
    cenv_prepared_clone_release(&c.prepared);
    return rc < 0 ? rc : !atomic_load(&c.altered);
}
