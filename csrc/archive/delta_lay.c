/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files are written by threads, a frame each, or a file each where it has frames of its own; what
 * is quick comes before (what goes, directories) and behind (links, modes and times).
 */
#include "archive/delta_lay.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_remove.h"
#include "os/host.h"
#include "os/path.h"
#include "os/raw_data.h"

enum { DIR_MODE = 0755, THREADS_MAX = 8 };

/* A file to be written: which of the sources has its content, and in which frames. */
struct piece {
    const struct cenv_delta_entry *entry;
    const struct cenv_delta_source *source;
    uint32_t first, nr; /* frames */
};

/* Files of one frame, or one file of several: pieces[first .. first + nr). */
struct job {
    uint32_t first, nr;
};

struct layer {
    struct cenv_delta_laying *asked;
    const struct cenv_delta *delta;
    const struct cenv_delta_source **sources; /* by `which` of entries */
    struct piece *pieces;
    struct job *jobs;
    uint32_t nr_pieces, nr_jobs;
    struct cenv_dirs dirs, link_dirs;
    atomic_ullong bytes;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int fail_path(const struct layer *l, int failed, struct cenv_str path,
                     struct cenv_error *err)
{
    if (failed == -ENOENT)
        return cenv_delta_refuse_path(err, path, "is not there");
    if (failed == -ENOTDIR || failed == -ELOOP || failed == -EEXIST ||
        failed == -EISDIR)
        return cenv_delta_refuse_path(err, path, "lies where something else is");
    return cenv_fs_fail(err, failed, l->asked->root, path.data, "cannot unpack");
}

/* ---- before the files ---- */

static int remove_entry(struct layer *l, const struct cenv_delta_entry *entry)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(&l->dirs, entry->path, 0, &name);
    if (cenv_raw_is_absent(dir))
        return 0;
    if (dir < 0)
        return fail_path(l, dir, entry->path, l->err);
    return cenv_fs_remove_tree(dir, name.data, l->err);
}

static int make_dir(struct layer *l, const struct cenv_delta_entry *entry)
{
    int fd = cenv_dirs_get(&l->dirs, entry->path, DIR_MODE);
    return fd < 0 ? fail_path(l, fd, entry->path, l->err) : 0;
}

static int prepare_tree(struct layer *l)
{
    const struct cenv_delta *d = l->delta;
    int rc = 0;
    for (uint32_t i = 0; i < d->nr_entries && rc == 0; i++)
        if (d->entries[i].type == CENV_DELTA_REMOVED)
            rc = remove_entry(l, &d->entries[i]);
    /* The chain that is open may be gone. */
    cenv_dirs_release(&l->dirs);
    cenv_dirs_init(&l->dirs, l->asked->root);
    for (uint32_t i = 0; i < d->nr_entries && rc == 0; i++)
        if (d->entries[i].type == CENV_DELTA_DIR)
            rc = make_dir(l, &d->entries[i]);
    return rc;
}

/* ---- jobs ---- */

/* Each once, whatever number of files have contents of it. */
static int find_sources(struct layer *l)
{
    const struct cenv_delta *d = l->delta;
    l->sources = cenv_calloc((size_t)d->nr_others + 1, sizeof(*l->sources));
    if (!l->sources)
        return cenv_error_oom(l->err);
    l->sources[0] = l->asked->source;
    for (uint32_t i = 0; i < d->nr_others; i++) {
        if (l->asked->find)
            l->sources[i + 1] = l->asked->find(l->asked->ctx, d->others[i].raw);
        if (!l->sources[i + 1])
            return cenv_delta_refuse(l->err, "a delta that it needs is missing");
    }
    return 0;
}

static int list_pieces(struct layer *l)
{
    const struct cenv_delta *d = l->delta;
    l->pieces = cenv_calloc((size_t)d->nr_entries + 1, sizeof(*l->pieces));
    l->jobs = cenv_calloc((size_t)d->nr_entries + 1, sizeof(*l->jobs));
    if (!l->pieces || !l->jobs)
        return cenv_error_oom(l->err);
    for (uint32_t i = 0; i < d->nr_entries; i++) {
        const struct cenv_delta_entry *entry = &d->entries[i];
        struct piece *piece = &l->pieces[l->nr_pieces];
        if (entry->type != CENV_DELTA_FILE)
            continue;
        piece->entry = entry;
        piece->source = l->sources[entry->which];
        int rc = cenv_delta_find_frames(&piece->source->delta, entry->at, entry->size,
                                        &piece->first, &piece->nr, l->err);
        if (rc < 0)
            return rc;
        l->nr_pieces++;
    }
    return 0;
}

/* By source and frame, then as the entries are; those of several frames, and empty ones, apart. */
static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->entry->which != y->entry->which)
        return x->entry->which < y->entry->which ? -1 : 1;
    if (x->nr != y->nr)
        return x->nr < y->nr ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

static bool share_job(const struct piece *a, const struct piece *b)
{
    return a->entry->which == b->entry->which && a->nr == b->nr && a->nr <= 1 &&
           a->first == b->first;
}

static void group_pieces(struct layer *l)
{
    qsort(l->pieces, l->nr_pieces, sizeof(*l->pieces), by_place);
    for (uint32_t i = 0; i < l->nr_pieces; i++) {
        if (i && share_job(&l->pieces[i - 1], &l->pieces[i]))
            l->jobs[l->nr_jobs - 1].nr++;
        else
            l->jobs[l->nr_jobs++] = (struct job){i, 1};
    }
}

/* ---- files ---- */

struct writing {
    struct layer *l;
    struct cenv_dirs dirs;
    struct cenv_buf frame;
    struct cenv_error *err;
};

/* In the place of a file or link of the packages: its descriptor, or a status. */
static int create_file(struct writing *w, struct cenv_str path)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(&w->dirs, path, DIR_MODE, &name);
    if (dir < 0)
        return fail_path(w->l, dir, path, w->err);
    int gone = cenv_raw_unlink(dir, name.data);
    int fd = gone < 0 && gone != -ENOENT ? gone : cenv_raw_create(dir, name.data, 0600);
    return fd < 0 ? fail_path(w->l, fd, path, w->err) : fd;
}

static int close_file(struct writing *w, int fd, const struct cenv_delta_entry *entry,
                      int rc)
{
    int failed = rc == 0 ? cenv_raw_chmod_fd(fd, entry->mode) : 0;
    if (rc == 0 && failed == 0)
        cenv_raw_set_mtime_fd(fd, entry->mtime_ns);
    int closed = cenv_raw_close(fd);
    failed = failed < 0 ? failed : closed;
    if (rc == 0 && failed < 0)
        return cenv_fs_fail(w->err, failed, w->l->asked->root, entry->path.data,
                            "cannot write");
    return rc;
}

static int write_data(struct writing *w, int fd, struct cenv_str data)
{
    int failed = data.len ? cenv_raw_write(fd, data.data, data.len) : 0;
    if (failed < 0)
        return cenv_fs_fail(w->err, failed, fd, NULL, "cannot write");
    atomic_fetch_add(&w->l->bytes, data.len);
    cenv_task_advance(w->l->task, data.len);
    return cenv_task_poll(w->l->task, w->err);
}

static int read_frame(struct writing *w, const struct piece *piece, uint32_t n)
{
    return cenv_delta_read_frame(&piece->source->delta, &piece->source->place,
                                 piece->first + n, &w->frame, w->err);
}

/* All of its frames, one after another. */
static int write_large(struct writing *w, const struct piece *piece)
{
    int rc = 0, fd = create_file(w, piece->entry->path);
    if (fd < 0)
        return fd;
    for (uint32_t i = 0; i < piece->nr && rc == 0; i++) {
        rc = read_frame(w, piece, i);
        if (rc == 0)
            rc = write_data(w, fd, cenv_buf_str(&w->frame));
    }
    return close_file(w, fd, piece->entry, rc);
}

/* A part of the frame that was read. */
static int write_small(struct writing *w, const struct piece *piece)
{
    const struct cenv_delta_entry *entry = piece->entry;
    struct cenv_str data = CENV_STR("");
    int fd = create_file(w, entry->path);
    if (fd < 0)
        return fd;
    if (entry->size) {
        size_t from =
            (size_t)(entry->at - piece->source->delta.frames[piece->first].from);
        data =
            cenv_str_slice(cenv_buf_str(&w->frame), from, from + (size_t)entry->size);
    }
    return close_file(w, fd, entry, write_data(w, fd, data));
}

static int write_pieces(struct writing *w, const struct job *job)
{
    const struct piece *pieces = &w->l->pieces[job->first];
    if (pieces->nr > 1)
        return write_large(w, pieces);
    int rc = pieces->nr ? read_frame(w, pieces, 0) : 0;
    for (uint32_t i = 0; i < job->nr && rc == 0; i++)
        rc = write_small(w, &pieces[i]);
    return rc;
}

static int run_job(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct layer *l = ctx;
    struct writing w = {.l = l, .err = err};
    (void)thread;
    cenv_dirs_init(&w.dirs, l->asked->root);
    cenv_buf_init(&w.frame, CENV_DELTA_FRAME);
    int rc = write_pieces(&w, &l->jobs[index]);
    cenv_dirs_release(&w.dirs);
    cenv_buf_release(&w.frame);
    return rc;
}

static int write_files(struct layer *l)
{
    unsigned cpus = cenv_host_cpus();
    int rc = find_sources(l);
    if (rc == 0)
        rc = list_pieces(l);
    if (rc < 0)
        return rc;
    group_pieces(l);
    return cenv_pool_run(cpus < THREADS_MAX ? cpus : THREADS_MAX, l->nr_jobs, run_job,
                         l, l->task, l->err);
}

/* ---- behind the files ---- */

static int make_symlink(struct layer *l, const struct cenv_delta_entry *entry)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(&l->dirs, entry->path, DIR_MODE, &name);
    int failed = dir < 0 ? dir : cenv_raw_unlink(dir, name.data);
    if (dir >= 0 && (failed == 0 || failed == -ENOENT))
        failed = cenv_raw_symlink(entry->link.data, dir, name.data);
    if (failed < 0)
        return fail_path(l, failed, entry->path, l->err);
    cenv_raw_set_mtime(dir, name.data, entry->mtime_ns);
    return 0;
}

static int make_peer(struct layer *l, const struct cenv_delta_entry *entry)
{
    struct cenv_str name, old_name;
    struct cenv_stat st;
    int from = cenv_dirs_parent(&l->link_dirs, entry->link, 0, &old_name);
    int failed = from < 0 ? from : cenv_raw_stat(from, old_name.data, &st);
    if (failed < 0)
        return fail_path(l, failed, entry->link, l->err);
    if (st.type != CENV_FT_FILE || cenv_str_eq(entry->path, entry->link))
        return cenv_delta_refuse_path(l->err, entry->path,
                                      "is a hard link to what is no file");
    int to = cenv_dirs_parent(&l->dirs, entry->path, DIR_MODE, &name);
    failed = to < 0 ? to : cenv_raw_unlink(to, name.data);
    if (to >= 0 && (failed == 0 || failed == -ENOENT))
        failed = cenv_raw_link(from, old_name.data, to, name.data);
    return failed < 0 ? fail_path(l, failed, entry->path, l->err) : 0;
}

static int set_facts(struct layer *l, const struct cenv_delta_entry *entry)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(&l->dirs, entry->path, 0, &name);
    int fd = dir < 0 ? dir : cenv_raw_open_file(dir, name.data, NULL);
    if (cenv_raw_is_no_file(fd))
        return cenv_delta_refuse_path(l->err, entry->path,
                                      "is no file of the packages");
    int failed = fd < 0 ? fd : cenv_raw_chmod_fd(fd, entry->mode);
    if (failed >= 0)
        cenv_raw_set_mtime_fd(fd, entry->mtime_ns);
    cenv_fd_close(fd);
    return failed < 0 ? fail_path(l, failed, entry->path, l->err) : 0;
}

static int set_dir_mode(struct layer *l, const struct cenv_delta_entry *entry)
{
    int fd = cenv_raw_open_beneath(l->asked->root, entry->path, 0);
    int failed = fd < 0 ? fd : cenv_raw_chmod_fd(fd, entry->mode);
    cenv_fd_close(fd);
    return failed < 0 ? fail_path(l, failed, entry->path, l->err) : 0;
}

static int finish_entry(struct layer *l, const struct cenv_delta_entry *entry)
{
    switch (entry->type) {
    case CENV_DELTA_SYMLINK:
        return make_symlink(l, entry);
    case CENV_DELTA_PEER:
        return make_peer(l, entry);
    case CENV_DELTA_FACTS:
        return set_facts(l, entry);
    default:
        return 0;
    }
}

/* Directories get their mode when nothing more comes into them, those inside first. */
static int finish_tree(struct layer *l)
{
    const struct cenv_delta *d = l->delta;
    int rc = 0;
    for (uint32_t i = 0; i < d->nr_entries && rc == 0; i++)
        rc = finish_entry(l, &d->entries[i]);
    for (uint32_t i = d->nr_entries; i-- > 0 && rc == 0;)
        if (d->entries[i].type == CENV_DELTA_DIR)
            rc = set_dir_mode(l, &d->entries[i]);
    return rc;
}

int cenv_delta_lay(struct cenv_delta_laying *laying, struct cenv_task *task,
                   struct cenv_error *err)
{
    struct layer l = {
        .asked = laying, .delta = &laying->source->delta, .task = task, .err = err};
    cenv_dirs_init(&l.dirs, laying->root);
    cenv_dirs_init(&l.link_dirs, laying->root);
    int rc = prepare_tree(&l);
    if (rc == 0)
        rc = write_files(&l);
    if (rc == 0)
        rc = finish_tree(&l);
    laying->files = l.nr_pieces;
    laying->bytes = atomic_load(&l.bytes);
    cenv_dirs_release(&l.dirs);
    cenv_dirs_release(&l.link_dirs);
    cenv_free(l.sources);
    cenv_free(l.pieces);
    cenv_free(l.jobs);
    return rc;
}
