/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The template's manifest lists what there is, so only what the packages have besides is looked
 * for in a walk. Files of one size are compared byte by byte: that is no dearer than a hash.
 */
#include "archive/delta_diff.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/path.h"
#include "os/raw_data.h"

enum { BLOCK = 1 << 18, PATH_MAX_BYTES = 1 << 16 };

struct differ {
    struct cenv_delta_diff *asked;
    const struct cenv_manifest *m;
    struct cenv_delta_writer *writer;
    struct cenv_dirs dirs, bare_dirs;
    struct cenv_map known; /* path of a template's entry -> CENV_DELTA_DIR or _FILE */
    struct cenv_arena arena;
    struct cenv_buf path, link; /* of the entry in hand */
    char *ours, *theirs;        /* blocks */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- paths ---- */

/* "<dir>/<name>" into `out`; refused where no delta may name it. */
static int set_path(const struct differ *d, struct cenv_str dir, const char *name,
                    struct cenv_buf *out)
{
    cenv_buf_clear(out);
    cenv_buf_addf(out, "%.*s%s%s", CENV_STR_ARG(dir), dir.len ? "/" : "", name);
    if (out->failed)
        return cenv_error_oom(d->err);
    const char *why = cenv_path_refused(cenv_buf_str(out));
    return why ? cenv_error_set(d->err, CENV_EPREFIX, "cannot export '%s': its name %s",
                                out->data, why)
               : 0;
}

static int set_file_path(struct differ *d, const struct cenv_mf_file *file,
                         struct cenv_buf *out)
{
    return set_path(d, cenv_mf_str(d->m, d->m->dirs[file->dir].path),
                    cenv_mf_cstr(d->m, file->name), out);
}

static int refuse_altered(const struct differ *d)
{
    cenv_error_set(d->err, CENV_EINTEGRITY,
                   "template %.12s was altered: '%s' is not as it was built",
                   d->asked->id, d->path.data);
    return cenv_error_hint(d->err, "build it again: cenv template build");
}

/* ---- what deltas do not keep ---- */

static void tell_skipped(struct differ *d, struct cenv_str path, const char *reason)
{
    struct cenv_json_writer *w = d->asked->skipped;
    cenv_json_write_object(w, NULL);
    cenv_json_write_str(w, "path", path);
    cenv_json_write_cstr(w, "reason", reason);
    cenv_json_write_end(w);
}

static void tell_lost(struct differ *d, const struct cenv_mf_file *file)
{
    struct cenv_str path = cenv_buf_str(&d->path);
    if (file->flags & CENV_MF_XATTR)
        tell_skipped(d, path, "extended attributes are not kept in archives");
    if (file->mode & ~0777u)
        tell_skipped(d, path, "set-id bits are not kept in archives");
}

/* FIFOs and sockets. */
static void tell_noted(struct differ *d)
{
    for (uint32_t i = 0; i < d->m->nr_notes; i++) {
        const struct cenv_mf_note *note = &d->m->notes[i];
        if (note->kind == CENV_NOTE_SKIPPED)
            tell_skipped(d, cenv_mf_str(d->m, note->path),
                         cenv_mf_cstr(d->m, note->reason));
    }
}

/* ---- comparing with the packages ---- */

/* What lies at the entry's path there: 1 with its facts, 0 nothing, or a status. */
static int stat_bare(struct differ *d, struct cenv_str path, struct cenv_stat *st,
                     int *dir)
{
    struct cenv_str name;
    if (d->asked->bare < 0)
        return 0;
    *dir = cenv_dirs_parent(&d->bare_dirs, path, 0, &name);
    int rc = *dir < 0 ? *dir : cenv_raw_stat(*dir, name.data, st);
    if (cenv_raw_is_absent(rc))
        return 0;
    return rc < 0
               ? cenv_fs_fail(d->err, rc, d->asked->bare, path.data, "cannot look at")
               : 1;
}

/* 1 the same bytes, 0 not, or a status. */
static int compare_bytes(struct differ *d, int ours, int theirs, uint64_t size)
{
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        int64_t got = cenv_raw_pread(ours, d->ours, want, at);
        int64_t other = cenv_raw_pread(theirs, d->theirs, want, at);
        if (got < 0 || other < 0)
            return cenv_fs_fail(d->err, (int)(got < 0 ? got : other),
                                got < 0 ? ours : theirs, NULL, "cannot read");
        if (got != other || memcmp(d->ours, d->theirs, (size_t)got) != 0)
            return 0;
        if ((size_t)got != want)
            return refuse_altered(d);
        at += want;
        int rc = cenv_task_poll(d->task, d->err);
        if (rc < 0)
            return rc;
    }
    return 1;
}

static int compare_file(struct differ *d, int fd, const struct cenv_delta_entry *entry,
                        struct cenv_stat *there)
{
    int dir = -1, rc = stat_bare(d, entry->path, there, &dir);
    if (rc != 1 || there->type != CENV_FT_FILE || there->size != entry->size)
        return rc < 0 ? rc : 0;
    int bare = cenv_raw_open_file(dir, cenv_path_base(entry->path).data, NULL);
    if (bare < 0)
        return cenv_fs_fail(d->err, bare, d->asked->bare, entry->path.data,
                            "cannot read");
    rc = compare_bytes(d, fd, bare, entry->size);
    cenv_fd_close(bare);
    return rc;
}

/* ---- entries ---- */

static int put_open_file(struct differ *d, int fd, struct cenv_delta_entry *entry)
{
    struct cenv_stat there;
    int rc = compare_file(d, fd, entry, &there);
    if (rc == 0)
        return cenv_delta_writer_add_file(d->writer, entry, fd);
    if (rc < 0 || ((there.mode & CENV_DELTA_MODE) == entry->mode &&
                   there.mtime_ns == entry->mtime_ns))
        return rc < 0 ? rc : 0;
    entry->type = CENV_DELTA_FACTS;
    entry->size = 0;
    return cenv_delta_writer_add(d->writer, entry);
}

static int put_file(struct differ *d, int dir, const struct cenv_mf_file *file,
                    struct cenv_delta_entry *entry)
{
    struct cenv_stat st;
    const char *name = cenv_mf_cstr(d->m, file->name);
    int rc, fd = cenv_raw_open_file(dir, name, &st);
    if (fd < 0)
        return cenv_fs_fail(d->err, fd, dir, name, "cannot read");
    entry->type = CENV_DELTA_FILE;
    entry->size = file->size;
    d->asked->bytes += file->size;
    tell_lost(d, file);
    rc = cenv_mf_is_same(file, &st) ? put_open_file(d, fd, entry) : refuse_altered(d);
    cenv_fd_close(fd);
    return rc;
}

/* Links have the time at which they were made, which tells nothing. */
static int put_symlink(struct differ *d, struct cenv_delta_entry *entry)
{
    struct cenv_stat there;
    int dir = -1, rc = stat_bare(d, entry->path, &there, &dir);
    if (rc == 1 && there.type == CENV_FT_SYMLINK) {
        cenv_buf_clear(&d->link);
        rc = cenv_fs_readlink(dir, cenv_path_base(entry->path).data, &d->link, d->err);
        if (rc == 0 && cenv_str_eq(cenv_buf_str(&d->link), entry->link))
            return 0;
    }
    entry->type = CENV_DELTA_SYMLINK;
    if (rc >= 0)
        rc = cenv_delta_writer_add(d->writer, entry);
    return rc;
}

static int put_peer(struct differ *d, const struct cenv_mf_file *file,
                    struct cenv_delta_entry *entry)
{
    int rc = set_file_path(d, &d->m->files[file->peer], &d->link);
    if (rc < 0)
        return rc;
    entry->type = CENV_DELTA_PEER;
    entry->link = cenv_buf_str(&d->link);
    return cenv_delta_writer_add(d->writer, entry);
}

/* No clone gets bytecode that holds no more; neither does a delta. */
static int put_entry(struct differ *d, int dir, const struct cenv_mf_file *file)
{
    int rc = cenv_task_poll(d->task, d->err);
    if (rc == 0)
        rc = set_file_path(d, file, &d->path);
    struct cenv_delta_entry entry = {.path = cenv_buf_str(&d->path),
                                     .link = CENV_STR(""),
                                     .mode = file->mode & CENV_DELTA_MODE,
                                     .mtime_ns = file->mtime_ns};
    if (rc < 0 || (file->flags & CENV_MF_LEFT_OUT))
        return rc;
    d->asked->entries++;
    if (file->type == CENV_MF_SYMLINK) {
        entry.link = cenv_mf_str(d->m, file->target);
        return put_symlink(d, &entry);
    }
    if (file->peer != CENV_NONE)
        return put_peer(d, file, &entry);
    return put_file(d, dir, file, &entry);
}

static int put_dir_entry(struct differ *d, const struct cenv_mf_dir *dir,
                         struct cenv_str path)
{
    struct cenv_stat there;
    int parent = -1, rc = 0;
    if (path.len) /* the prefix itself is made by whoever reads it */
        rc = stat_bare(d, path, &there, &parent);
    if (rc < 0 || (rc == 1 && there.type == CENV_FT_DIR &&
                   (there.mode & 01777) == (dir->mode & 01777u)))
        return rc < 0 ? rc : 0;
    struct cenv_delta_entry entry = {.type = CENV_DELTA_DIR,
                                     .path = path,
                                     .link = CENV_STR(""),
                                     .mode = dir->mode & 01777u};
    return cenv_delta_writer_add(d->writer, &entry);
}

static int put_dir(struct differ *d, const struct cenv_mf_dir *dir)
{
    struct cenv_str path = cenv_mf_str(d->m, dir->path);
    const char *why = path.len ? cenv_path_refused(path) : NULL;
    if (why)
        return cenv_error_set(d->err, CENV_EPREFIX, "cannot export '%s': its name %s",
                              path.data, why);
    d->asked->entries++;
    int rc = put_dir_entry(d, dir, path);
    if (rc < 0)
        return rc;
    int fd = cenv_dirs_get(&d->dirs, path, 0);
    if (fd < 0)
        return cenv_fs_fail(d->err, fd, d->asked->prefix, path.data, "cannot open");
    for (uint32_t i = 0; i < dir->nr_files && rc == 0; i++)
        rc = put_entry(d, fd, &d->m->files[dir->first_file + i]);
    return rc;
}

/* ---- what the packages have and the template has not ---- */

static bool note_known(struct differ *d, struct cenv_str path, uint32_t type)
{
    struct cenv_str kept = cenv_arena_str(&d->arena, path);
    return kept.data && cenv_map_put(&d->known, kept, type);
}

static int note_all_known(struct differ *d)
{
    for (uint32_t i = 0; i < d->m->nr_dirs; i++)
        if (!note_known(d, cenv_mf_str(d->m, d->m->dirs[i].path), CENV_DELTA_DIR))
            return cenv_error_oom(d->err);
    for (uint32_t i = 0; i < d->m->nr_files; i++) {
        const struct cenv_mf_file *file = &d->m->files[i];
        int rc = set_file_path(d, file, &d->path);
        if (rc < 0)
            return rc;
        if (!(file->flags & CENV_MF_LEFT_OUT) &&
            !note_known(d, cenv_buf_str(&d->path), CENV_DELTA_FILE))
            return cenv_error_oom(d->err);
    }
    return 0;
}

static int put_removed(struct differ *d, struct cenv_str path)
{
    struct cenv_delta_entry entry = {
        .type = CENV_DELTA_REMOVED, .path = path, .link = CENV_STR("")};
    return cenv_delta_writer_add(d->writer, &entry);
}

static int walk_bare(struct differ *d, struct cenv_str path);

static int look_at_bare(struct differ *d, struct cenv_str dir,
                        const struct cenv_dirent *entry)
{
    int rc = set_path(d, dir, entry->name, &d->path);
    if (rc < 0)
        return rc;
    struct cenv_str path = cenv_arena_str(&d->arena, cenv_buf_str(&d->path));
    if (!path.data)
        return cenv_error_oom(d->err);
    bool is_dir = entry->type == CENV_FT_DIR;
    if (cenv_map_get(&d->known, path) != (is_dir ? CENV_DELTA_DIR : CENV_DELTA_FILE))
        return put_removed(d, path);
    return is_dir ? walk_bare(d, path) : 0;
}

/* Packages are no deeper than CENV_PATH_DEPTH_MAX. */
static int walk_bare(struct differ *d, struct cenv_str path)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int rc, fd = cenv_raw_open_beneath(d->asked->bare, path, 0);
    int raw = fd < 0 ? fd : cenv_dir_init(&dir, fd);
    if (raw < 0) {
        cenv_fd_close(fd);
        return cenv_fs_fail(d->err, raw, d->asked->bare, path.data, "cannot read");
    }
    rc = cenv_task_poll(d->task, d->err);
    while (rc == 0 && (raw = cenv_dir_next(&dir, &entry)) == 1)
        rc = look_at_bare(d, path, &entry);
    if (rc == 0 && raw < 0)
        rc = cenv_fs_fail(d->err, raw, d->asked->bare, path.data, "cannot read");
    cenv_dir_release(&dir);
    cenv_fd_close(fd);
    return rc;
}

/* ---- the whole ---- */

static int put_all(struct differ *d)
{
    int rc = 0;
    if (d->asked->bare >= 0)
        rc = note_all_known(d);
    if (rc == 0 && d->asked->bare >= 0)
        rc = walk_bare(d, CENV_STR(""));
    for (uint32_t i = 0; i < d->m->nr_dirs && rc == 0; i++)
        rc = put_dir(d, &d->m->dirs[i]);
    tell_noted(d);
    return rc;
}

int cenv_delta_diff_write(struct cenv_delta_diff *diff)
{
    struct differ d = {.asked = diff,
                       .m = diff->manifest,
                       .writer = diff->writer,
                       .ours = cenv_malloc(BLOCK),
                       .theirs = cenv_malloc(BLOCK),
                       .task = diff->task,
                       .err = diff->err};
    cenv_buf_init(&d.path, PATH_MAX_BYTES);
    cenv_buf_init(&d.link, PATH_MAX_BYTES);
    cenv_dirs_init(&d.dirs, diff->prefix);
    cenv_dirs_init(&d.bare_dirs, diff->bare);
    int rc = d.ours && d.theirs ? put_all(&d) : cenv_error_oom(diff->err);
    cenv_dirs_release(&d.dirs);
    cenv_dirs_release(&d.bare_dirs);
    cenv_map_release(&d.known);
    cenv_arena_release(&d.arena);
    cenv_buf_release(&d.path);
    cenv_buf_release(&d.link);
    cenv_free(d.ours);
    cenv_free(d.theirs);
    return rc;
}
