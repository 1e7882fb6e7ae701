/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of one inode stay names of one inode; a directory gets its time when all below is there. */
#include "prefix/copy_tree.h"

#include <errno.h>

#include "base/intern.h"
#include "base/map.h"
#include "cenv.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_dir.h"
#include "os/fs_place.h"
#include "os/xattr.h"

/* A directory whose mode and time wait until all below it is there. */
struct made_dir {
    struct made_dir *next; /* made before: its parent is among those */
    struct cenv_str path;
    uint32_t mode;
    int64_t mtime_ns;
};

/* The first name of an inode with several. */
struct inode {
    uint64_t dev, ino;
};

struct copying {
    int from, to;
    struct cenv_dirs dirs; /* of `to` */
    struct cenv_arena arena;
    struct made_dir *made;
    struct cenv_map inodes;   /* struct inode -> id in `names` */
    struct cenv_intern names; /* paths of inodes with several */
    struct cenv_copied *out;
    struct cenv_task *task;
};

static int note_skipped(struct copying *c, struct cenv_str path, struct cenv_error *err)
{
    struct cenv_buf *out = &c->out->skipped;
    cenv_buf_add_str(out, path);
    cenv_buf_putc(out, '\0');
    return out->failed ? cenv_error_oom(err) : 0;
}

static int fail_copy(const struct cenv_walk_entry *entry, int raw,
                     struct cenv_error *err)
{
    return cenv_fs_fail(err, raw, entry->parent, entry->entry.name, "cannot copy");
}

/* ---- one entry: these return -errno ---- */

static int copy_xattrs(int from_dir, const char *from, int to_dir, const char *to)
{
    int in = cenv_raw_open_file(from_dir, from, NULL);
    int out = in < 0 ? in : cenv_raw_open_file(to_dir, to, NULL);
    int raw = out < 0 ? out : cenv_raw_copy_xattrs(in, out);
    cenv_fd_close(in);
    cenv_fd_close(out);
    return raw;
}

/* 1 when the file is there as a link to its first name; 0 when it is the first, now noted. */
static int link_peer(struct copying *c, const struct cenv_stat *st,
                     struct cenv_str path, int to, const char *name)
{
    struct inode *key = cenv_arena_calloc(&c->arena, 1, sizeof(*key));
    if (!key)
        return -ENOMEM;
    *key = (struct inode){.dev = st->dev, .ino = st->ino};
    struct cenv_str bytes = cenv_str_n((const char *)key, sizeof(*key));
    uint32_t known = cenv_map_get(&c->inodes, bytes);
    if (known == CENV_NONE) {
        uint32_t id = cenv_intern_id(&c->names, path);
        return id == CENV_NONE || !cenv_map_put(&c->inodes, bytes, id) ? -ENOMEM : 0;
    }
    int raw = cenv_raw_link(c->to, cenv_intern_str(&c->names, known).data, to, name);
    return raw < 0 ? raw : 1;
}

/* 0 for a time that the file system refuses as it refuses every one, which is noted. */
static int forgive_time(const struct copying *c, int raw)
{
    if (!cenv_fs_takes_no_times(raw))
        return raw;
    c->out->no_times = true;
    return 0;
}

static int copy_file(struct copying *c, const struct cenv_walk_entry *entry,
                     const struct cenv_stat *st, int to)
{
    const char *name = entry->entry.name;
    enum cenv_place_mode got = CENV_PLACE_COPY;
    int raw = st->nlink > 1 ? link_peer(c, st, entry->path, to, name) : 0;
    if (raw != 0)
        return raw < 0 ? raw : 0;
    raw = cenv_raw_place(entry->parent, name, st, to, name, CENV_PLACE_AUTO, true, &got,
                         c->task);
    c->out->no_times |= raw > 0;
    if (raw >= 0 && cenv_raw_has_xattrs(entry->parent, name))
        raw = copy_xattrs(entry->parent, name, to, name);
    if (got == CENV_PLACE_REFLINK)
        c->out->bytes_shared += st->size;
    else
        c->out->bytes_copied += st->size;
    return raw;
}

static int copy_dir(struct copying *c, const struct cenv_walk_entry *entry,
                    const struct cenv_stat *st, int to)
{
    struct made_dir *dir = cenv_arena_calloc(&c->arena, 1, sizeof(*dir));
    if (!dir)
        return -ENOMEM;
    *dir = (struct made_dir){c->made, cenv_arena_str(&c->arena, entry->path), st->mode,
                             st->mtime_ns};
    c->made = dir;
    return dir->path.data ? cenv_raw_mkdir(to, entry->entry.name, 0700) : -ENOMEM;
}

/* ---- all entries ---- */

static int copy_link(const struct copying *c, const struct cenv_walk_entry *entry,
                     const struct cenv_stat *st, int to, struct cenv_error *err)
{
    const char *name = entry->entry.name;
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 20);
    int rc = cenv_fs_readlink(entry->parent, name, &target, err);
    if (rc == 0) {
        int raw = cenv_raw_symlink(target.data, to, name);
        if (raw == 0)
            raw = forgive_time(c, cenv_raw_set_mtime(to, name, st->mtime_ns));
        if (raw < 0)
            rc = fail_copy(entry, raw, err);
    }
    cenv_buf_release(&target);
    return rc;
}

static int copy_entry(void *ctx, const struct cenv_walk_entry *entry,
                      struct cenv_error *err)
{
    struct copying *c = ctx;
    struct cenv_str name;
    struct cenv_stat st;
    int to = cenv_dirs_parent(&c->dirs, entry->path, 0, &name);
    int raw = to < 0 ? to : cenv_raw_stat(entry->parent, entry->entry.name, &st);
    if (raw < 0)
        return fail_copy(entry, raw, err);
    if (st.type == CENV_FT_OTHER)
        return note_skipped(c, entry->path, err);
    c->out->files += st.type != CENV_FT_DIR;
    if (st.type == CENV_FT_SYMLINK)
        return copy_link(c, entry, &st, to, err);
    if (st.type == CENV_FT_DIR)
        raw = copy_dir(c, entry, &st, to);
    else
        raw = st.type == CENV_FT_FILE ? copy_file(c, entry, &st, to) : -EINVAL;
    return raw < 0 ? fail_copy(entry, raw, err) : 0;
}

/* -errno. */
static int finish_dir(const struct copying *c, const char *path,
                      const struct made_dir *dir)
{
    int from = cenv_raw_open_dir(c->from, path), to = cenv_raw_open_dir(c->to, path);
    int raw = from < 0 ? from : to;
    if (raw >= 0)
        raw = cenv_raw_copy_xattrs(from, to);
    if (raw == 0 && *path != '.')
        raw = cenv_raw_chmod_fd(to, dir->mode);
    if (raw == 0)
        raw = forgive_time(c, cenv_raw_set_mtime_fd(to, dir->mtime_ns));
    cenv_fd_close(from);
    cenv_fd_close(to);
    return raw;
}

/* The last one made first: no time is changed by what is done below. */
static int finish_dirs(const struct copying *c, struct cenv_error *err)
{
    struct cenv_stat st;
    for (const struct made_dir *dir = c->made; dir; dir = dir->next) {
        int raw = finish_dir(c, dir->path.data, dir);
        if (raw < 0)
            return cenv_fs_fail(err, raw, c->to, dir->path.data,
                                "cannot set mode and time of");
    }
    int raw = cenv_raw_stat_fd(c->from, &st);
    if (raw == 0)
        raw = finish_dir(c, ".", &(struct made_dir){.mtime_ns = st.mtime_ns});
    return raw < 0 ? cenv_fs_fail(err, raw, c->to, NULL, "cannot set time of") : 0;
}

int cenv_copy_tree(int from, int to, struct cenv_copied *out, struct cenv_task *task,
                   struct cenv_error *err)
{
    struct copying c = {.from = from, .to = to, .out = out, .task = task};
    *out = (struct cenv_copied){0};
    cenv_buf_init(&out->skipped, 64 << 20);
    cenv_dirs_init(&c.dirs, to);
    cenv_arena_init(&c.arena);
    int rc = cenv_fs_walk(from, true, copy_entry, &c, task, err);
    if (rc == 0)
        rc = finish_dirs(&c, err);
    cenv_dirs_release(&c.dirs);
    cenv_map_release(&c.inodes);
    cenv_intern_release(&c.names);
    cenv_arena_release(&c.arena);
    return rc;
}
