/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Putting a clone back: every directory is compared with the manifest of its source, what is too
 * much goes, what is missing or changed is placed anew by the code that clones.
 */
#include "clone/reset_tree.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "clone/as_cloned.h"
#include "clone/clone_file.h"
#include "clone/clone_source.h"
#include "clone/provenance.h"
#include "clone/survey.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_dir.h"
#include "os/fs_place.h"
#include "os/fs_remove.h"
#include "os/raw_path.h"
#include "os/subvolume.h"
#include "os/xattr.h"

/* What a kernel's tick takes at most (HZ 100), waited for in parts. */
enum { TICKS = 12, TICK_US = 1000 };

struct reset {
    const struct cenv_clone_entry *clone;
    struct cenv_reset_counts *counts;
    struct cenv_clone_source source;
    struct cenv_prepared_clone prepared;
    struct cenv_remembered remembered;
    struct cenv_cloner c;
    int dst;               /* the clone */
    struct cenv_dirs dirs; /* of it */
    int64_t since_ns;      /* what changed later is a change */
    uint32_t *first_dir;   /* by directory: the first of its children in `next_dir` */
    uint32_t *next_dir;
    unsigned char *clean; /* by directory: nothing in it needs to be looked at again */
    int from;             /* the source's directory at hand, opened when needed */
};

/* ---- restoring ---- */

/* A shared inode that was written to is the source's damage, which no reset of a clone can heal. */
static int check_shared(const struct reset *r, const struct cenv_mf_file *file,
                        uint32_t dir, const struct cenv_stat *st,
                        struct cenv_error *err)
{
    if (!cenv_as_cloned_is_damage(&r->c, file, st))
        return 0;
    const char *path = cenv_mf_cstr(r->c.m, r->c.m->dirs[dir].path);
    cenv_error_set(err, CENV_EPREFIX,
                   "'%s%s%s' was altered through a hard link: %s has it too", path,
                   *path ? "/" : "", cenv_mf_cstr(r->c.m, file->name), r->source.path);
    return cenv_error_hint(err, "restore the source, or clone in mode copy or reflink");
}

static int remove_entry(struct reset *r, int dir, const char *name,
                        struct cenv_error *err)
{
    int rc = cenv_fs_remove_tree(dir, name, err);
    r->counts->removed += rc == 0;
    return rc;
}

/* Deferred files wait in the manifest's order; they are gone by then. */
static bool is_deferred(const struct reset *r, const struct cenv_mf_file *file)
{
    return (file->flags & CENV_MF_DEPENDENT) ||
           (file->peer != CENV_NONE && !cenv_cloner_shares(&r->c, file));
}

static int restore_file(struct reset *r, uint32_t index, int dir,
                        struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->c.m->files[index];
    const char *name = cenv_mf_cstr(r->c.m, file->name);
    int rc = cenv_fs_remove_tree(dir, name, err);
    r->counts->restored++;
    if (rc < 0 || is_deferred(r, file))
        return rc;
    if (r->from < 0)
        r->from = cenv_raw_open_dir(
            r->source.fd,
            file->dir ? cenv_mf_cstr(r->c.m, r->c.m->dirs[file->dir].path) : ".");
    if (cenv_raw_is_absent(r->from))
        return cenv_cloner_set_changed(&r->c, file->dir, "", err);
    if (r->from < 0)
        return cenv_fs_fail(err, r->from, r->source.fd,
                            cenv_mf_cstr(r->c.m, r->c.m->dirs[file->dir].path),
                            "cannot open directory");
    return cenv_clone_file_place(&r->c, r->c.thread[0], r->from, dir, index, err);
}

static int check_file(struct reset *r, uint32_t index, int dir, struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->c.m->files[index];
    struct cenv_stat st;
    if (file->flags & CENV_MF_LEFT_OUT)
        return 0;
    r->counts->checked++;
    int rc = cenv_raw_stat(dir, cenv_mf_cstr(r->c.m, file->name), &st);
    if (rc < 0 && rc != -ENOENT)
        return cenv_fs_fail(err, rc, dir, cenv_mf_cstr(r->c.m, file->name),
                            "cannot look at");
    if (rc == 0 && check_shared(r, file, file->dir, &st, err) < 0)
        return err->status;
    return rc == 0 && cenv_as_cloned_is_file(&r->c, r->since_ns, file, dir, &st)
               ? 0
               : restore_file(r, index, dir, err);
}

/* ---- directories ---- */

/* Files are searched by halves, directories, which are few, one by one. */
static bool is_child(const struct reset *r, uint32_t index, struct cenv_str name)
{
    const struct cenv_manifest *m = r->c.m;
    const struct cenv_mf_dir *dir = &m->dirs[index];
    uint32_t low = dir->first_file, high = low + dir->nr_files;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = cenv_str_cmp(cenv_mf_str(m, m->files[middle].name), name);
        if (order == 0)
            return !(m->files[middle].flags & CENV_MF_LEFT_OUT);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (uint32_t d = r->first_dir[index]; d != CENV_NONE; d = r->next_dir[d]) {
        struct cenv_str path = cenv_mf_str(m, m->dirs[d].path);
        if (cenv_str_ends(path, name) &&
            (path.len == name.len || path.data[path.len - name.len - 1] == '/'))
            return true;
    }
    return false;
}

static int remove_added(struct reset *r, uint32_t index, int dir,
                        struct cenv_error *err)
{
    struct cenv_listing list;
    int rc = 0, raw = cenv_listing_read(&list, dir, false);
    if (raw < 0)
        return cenv_fs_fail(err, raw, dir, NULL, "cannot list");
    for (size_t i = 0; i < list.nr && rc == 0; i++)
        if (!is_child(r, index, cenv_str_n(list.entries[i].name, list.entries[i].len)))
            rc = remove_entry(r, dir, list.entries[i].name, err);
    cenv_listing_release(&list);
    return rc;
}

/* The clone's directory by its index; borrowed until the next call. Or a status. */
static int find_dir(struct reset *r, uint32_t index, struct cenv_error *err)
{
    struct cenv_str path = cenv_mf_str(r->c.m, r->c.m->dirs[index].path);
    int dir = cenv_dirs_get(&r->dirs, path, 0);
    return dir < 0 ? cenv_fs_fail(err, dir, r->dst, path.data, "cannot open") : dir;
}

/* In the place of what could not be opened for the reason `why`. */
static int make_dir(struct reset *r, struct cenv_str path, int why,
                    struct cenv_error *err)
{
    struct cenv_str name;
    int raw, parent = cenv_dirs_parent(&r->dirs, path, 0, &name);
    if (parent < 0)
        return cenv_fs_fail(err, parent, r->dst, path.data, "cannot open");
    if (why == -EACCES) {
        raw = cenv_raw_chmod(parent, name.data, 0700);
    } else {
        if (cenv_fs_remove_tree(parent, name.data, err) < 0)
            return err->status;
        r->counts->restored++;
        raw = cenv_raw_mkdir(parent, name.data, 0700);
    }
    return raw < 0 ? cenv_fs_fail(err, raw, r->dst, path.data, "cannot make") : 0;
}

/* No hard link leads into one, and its files may have inodes and times of the clone's. */
static bool is_subvolume(const struct reset *r, int dir)
{
    struct cenv_stat st, root;
    return cenv_raw_stat_fd(dir, &st) == 0 && st.ino == CENV_SUBVOLUME_INODE &&
           cenv_raw_stat_fd(r->dst, &root) == 0 && st.dev != root.dev;
}

/* What is mounted there is not the clone's, and nothing in it is removed. */
static int refuse_mount(struct reset *r, struct cenv_str path, int dir,
                        struct cenv_error *err)
{
    int raw = cenv_raw_is_mount(dir);
    if (raw == 0)
        return dir;
    if (raw < 0)
        return cenv_fs_fail(err, raw, r->dst, path.data, "cannot look at");
    cenv_error_set(err, CENV_EPREFIX, "something is mounted at '%s/%s'", r->clone->path,
                   path.data);
    return cenv_error_hint(err, "unmount it first");
}

/* The same, made anew when something else lies there. */
static int open_dir(struct reset *r, uint32_t index, struct cenv_error *err)
{
    struct cenv_str path = cenv_mf_str(r->c.m, r->c.m->dirs[index].path);
    int dir = cenv_dirs_get(&r->dirs, path, 0);
    if (dir >= 0 && index && is_subvolume(r, dir))
        dir = -ENOENT;
    if (dir >= 0)
        return index ? refuse_mount(r, path, dir, err) : dir;
    if (dir != -EACCES && !cenv_raw_is_absent(dir))
        return cenv_fs_fail(err, dir, r->dst, path.data, "cannot open");
    if (index && make_dir(r, path, dir, err) < 0)
        return err->status;
    return find_dir(r, index, err);
}

/* Or -errno. Those that a new directory gets by itself cannot be removed, or are there again. */
static int restore_xattrs(const struct reset *r, uint32_t index, int fd)
{
    const struct cenv_mf_dir *dir = &r->c.m->dirs[index];
    bool wanted = dir->flags & CENV_MF_XATTR;
    if (!wanted && !cenv_raw_has_xattrs(fd, "."))
        return 0;
    int rc = cenv_raw_clear_xattrs(fd), from = -1;
    if (rc == 0 && wanted)
        rc = from = cenv_raw_open_dir(r->source.fd,
                                      index ? cenv_mf_cstr(r->c.m, dir->path) : ".");
    if (from >= 0)
        rc = cenv_raw_copy_xattrs(from, fd);
    cenv_fd_close(from);
    return rc < 0 ? rc : 0;
}

/* What a change of the directory itself did to it, and time and mode do not heal. Or -errno. */
static int restore_dir(struct reset *r, uint32_t index, int fd,
                       const struct cenv_stat *st)
{
    if (st->ctime_ns <= r->since_ns)
        return 0;
    r->counts->disowned += st->uid != cenv_fs_uid() || st->gid != cenv_fs_gid();
    return restore_xattrs(r, index, fd);
}

static void count_files(struct reset *r, const struct cenv_mf_dir *dir)
{
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files; i++)
        r->counts->checked += !(r->c.m->files[i].flags & CENV_MF_LEFT_OUT);
}

static int reset_dir(struct reset *r, uint32_t index, struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &r->c.m->dirs[index];
    struct cenv_stat st;
    int fd = open_dir(r, index, err);
    if (fd < 0)
        return fd;
    int rc = 0, raw = cenv_raw_stat_fd(fd, &st);
    if (raw == 0)
        raw = restore_dir(r, index, fd, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, fd, NULL, "cannot look at");
    /* Nothing came or went where time and ctime are the clone's: the listing can be spared. */
    bool listed = st.mtime_ns != dir->mtime_ns || st.ctime_ns > r->since_ns;
    if ((st.mode & 0700) != 0700 && cenv_raw_chmod_fd(fd, 0700) == 0)
        listed = true;
    if (listed)
        rc = remove_added(r, index, fd, err);
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files && rc == 0;
         i++)
        rc = check_file(r, i, fd, err);
    cenv_fd_close(r->from);
    r->from = -1;
    return rc;
}

/* Modes and times of directories, deepest first: all work in them is done. */
static int finish_dirs(struct reset *r, struct cenv_error *err)
{
    for (uint32_t i = r->c.m->nr_dirs; i-- > 0;) {
        const struct cenv_mf_dir *dir = &r->c.m->dirs[i];
        struct cenv_stat st;
        const char *path = i ? cenv_mf_cstr(r->c.m, dir->path) : ".";
        uint32_t mode = i ? dir->mode : r->clone->root_mode;
        bool known = i || mode;
        int rc = cenv_raw_stat(r->dst, path, &st);
        if (rc == 0 && known && st.mode != mode)
            rc = cenv_raw_chmod(r->dst, path, mode);
        if (rc == 0 && st.mtime_ns != dir->mtime_ns)
            rc = cenv_cloner_forgive_time(
                &r->c, cenv_raw_set_mtime(r->dst, path, dir->mtime_ns));
        if (rc < 0)
            return cenv_fs_fail(err, rc, r->dst, path, "cannot set mode and time of");
    }
    return 0;
}

/* ---- deferred files ---- */

/* What a record tells of a file that lies there untouched: its hash, from the file. */
static int hash_there(struct reset *r, uint32_t reloc, struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->c.m->files[r->c.m->relocs[reloc].file];
    struct cenv_cloned *cloned = &r->c.cloned[reloc];
    if (cloned->size)
        return 0;
    int dir = find_dir(r, file->dir, err);
    return dir < 0 ? dir
                   : cenv_as_cloned_hash(dir, cenv_mf_cstr(r->c.m, file->name), cloned,
                                         err);
}

static int restore_deferred(struct reset *r, uint32_t index, struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->c.m->files[index];
    const struct cenv_mf_reloc *reloc =
        file->reloc == CENV_NONE ? NULL : &r->c.m->relocs[file->reloc];
    int rc = 0;
    for (uint32_t i = 0; reloc && i < reloc->nr_sites && rc == 0; i++) {
        const struct cenv_site *site = &r->c.m->sites[reloc->first_site + i];
        if (site->kind == CENV_SITE_FIELD)
            rc = hash_there(r, (uint32_t)site->end, err);
    }
    if (rc == 0)
        rc = cenv_clone_file_place_deferred(&r->c, r->c.thread[0], index, err);
    return rc;
}

/* Whether the peer of `file`, the first of its group, has the inode of `st`; or a status. */
static int is_one_with_peer(struct reset *r, const struct cenv_mf_file *file,
                            const struct cenv_stat *st, struct cenv_error *err)
{
    const struct cenv_mf_file *peer = &r->c.m->files[file->peer];
    struct cenv_stat first;
    int dir = find_dir(r, peer->dir, err);
    if (dir < 0)
        return dir;
    const char *name = cenv_mf_cstr(r->c.m, peer->name);
    int raw = cenv_raw_stat(dir, name, &first);
    if (raw < 0 && !cenv_raw_is_absent(raw))
        return cenv_fs_fail(err, raw, dir, name, "cannot look at");
    return raw == 0 && cenv_stat_same_file(&first, st);
}

/* A peer must be one with the first of its group, which may just have been restored. */
static int check_peer(struct reset *r, uint32_t index, const struct cenv_stat *st,
                      struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->c.m->files[index];
    int rc = is_one_with_peer(r, file, st, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    int dir = find_dir(r, file->dir, err);
    if (dir < 0)
        return dir;
    rc = cenv_fs_unlink(dir, cenv_mf_cstr(r->c.m, file->name), err);
    r->counts->restored++;
    if (rc == 0)
        rc = restore_deferred(r, index, err);
    return rc;
}

static int check_deferred(struct reset *r, uint32_t index, struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->c.m->files[index];
    struct cenv_stat st;
    if (!is_deferred(r, file) || (file->flags & CENV_MF_LEFT_OUT))
        return 0;
    int dir = find_dir(r, file->dir, err);
    if (dir < 0)
        return dir;
    int raw = cenv_raw_stat(dir, cenv_mf_cstr(r->c.m, file->name), &st);
    if (cenv_raw_is_absent(raw))
        return restore_deferred(r, index, err);
    if (raw < 0)
        return cenv_fs_fail(err, raw, dir, cenv_mf_cstr(r->c.m, file->name),
                            "cannot look at");
    return file->peer == CENV_NONE ? 0 : check_peer(r, index, &st, err);
}

/* ---- the whole ---- */

static int index_dirs(struct reset *r, struct cenv_error *err)
{
    uint32_t nr = r->c.m->nr_dirs;
    r->first_dir = cenv_reallocarray(NULL, nr, sizeof(*r->first_dir));
    r->next_dir = cenv_reallocarray(NULL, nr, sizeof(*r->next_dir));
    r->clean = cenv_calloc(nr, 1);
    if (!r->first_dir || !r->next_dir || !r->clean)
        return cenv_error_oom(err);
    for (uint32_t i = 0; i < nr; i++)
        r->first_dir[i] = r->next_dir[i] = CENV_NONE;
    for (uint32_t i = nr; i-- > 1;) {
        r->next_dir[i] = r->first_dir[r->c.m->dirs[i].parent];
        r->first_dir[r->c.m->dirs[i].parent] = i;
    }
    return 0;
}

static int reset_dirs(struct reset *r, struct cenv_task *task, struct cenv_error *err)
{
    int rc = cenv_survey_run(&r->c, r->since_ns, r->clean, task, err);
    for (uint32_t i = 0; i < r->c.m->nr_dirs && rc == 0; i++) {
        rc = cenv_task_poll(task, err);
        if (rc == 0 && r->clean[i])
            count_files(r, &r->c.m->dirs[i]);
        else if (rc == 0)
            rc = reset_dir(r, i, err);
    }
    return rc;
}

static int reset_files(struct reset *r, struct cenv_task *task, struct cenv_error *err)
{
    int rc = index_dirs(r, err);
    if (rc == 0)
        rc = reset_dirs(r, task, err);
    for (uint32_t i = 0; i < r->c.m->nr_files && rc == 0; i++)
        rc = check_deferred(r, i, err);
    if (rc == 0)
        rc = finish_dirs(r, err);
    return rc;
}

static int open_clone(struct reset *r, const struct cenv_store *store,
                      enum cenv_place_mode placing, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_str path = cenv_str(r->clone->path);
    int rc = cenv_prepared_clone_init(&r->prepared, r->source.manifest, r->source.fd,
                                      path, err);
    if (rc == 0)
        rc = cenv_remembered_find(&r->remembered, store, &r->source, path.data,
                                  r->clone->mode, err);
    if (rc < 0)
        return rc;
    r->dst = cenv_fs_open_root(path.data, err);
    if (r->dst < 0)
        return r->dst;
    cenv_dirs_init(&r->dirs, r->dst);
    /* The umask is not known here: modes are set in any case. */
    struct cenv_clone_target target = {
        .dst = r->dst, .mask = 0777, .mode = placing, .remembered = &r->remembered};
    return cenv_cloner_init(&r->c, &r->prepared, &target, 1, task, err);
}

/* The root's ctime after its time was set once more; or -errno. */
static int touch_root(struct reset *r, int64_t *ctime_ns)
{
    struct cenv_stat st;
    int rc = cenv_cloner_forgive_time(
        &r->c, cenv_raw_set_mtime(r->dst, ".", r->c.m->dirs[0].mtime_ns));
    if (rc == 0)
        rc = cenv_raw_stat_fd(r->dst, &st);
    if (rc == 0)
        *ctime_ns = st.ctime_ns;
    return rc;
}

/*
 * From now on only later changes count. They must not have the time of the last thing done here:
 * kernels give it to all that happens within a tick (4 ms; since 6.13, until somebody has looked
 * at it). So the root is touched until its ctime has passed; no file system of whole seconds is
 * waited for.
 */
static int mark_as_reset(struct reset *r, struct cenv_store *store,
                         struct cenv_error *err)
{
    int64_t since_ns = 0, later_ns = 0;
    int rc = touch_root(r, &since_ns);
    for (int tries = 0; tries < TICKS && rc == 0 && later_ns <= since_ns; tries++) {
        if (tries)
            cenv_clock_sleep_us(TICK_US);
        rc = touch_root(r, &later_ns);
    }
    if (rc < 0)
        return cenv_fs_fail(err, rc, r->dst, NULL, "cannot set the time of");
    return cenv_clone_registry_set_time(store, r->clone->path, since_ns, err);
}

static void release_reset(struct reset *r)
{
    cenv_dirs_release(&r->dirs);
    cenv_fd_close(r->from);
    cenv_fd_close(r->dst);
    cenv_cloner_finish(&r->c, NULL);
    cenv_remembered_close(&r->remembered);
    cenv_prepared_clone_release(&r->prepared);
    cenv_clone_source_close(&r->source);
    cenv_free(r->first_dir);
    cenv_free(r->next_dir);
    cenv_free(r->clean);
}

int cenv_reset_tree(const struct cenv_clone_entry *clone, struct cenv_store *store,
                    enum cenv_place_mode placing, struct cenv_reset_counts *counts,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct reset r = {.clone = clone,
                      .counts = counts,
                      .remembered = CENV_REMEMBERED_INIT,
                      .from = -1,
                      .dst = -1,
                      .source = {.fd = -1}};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_RESET, "");
    int rc = cenv_clone_registry_time(store, clone->path, &r.since_ns, err);
    if (rc == 0)
        rc = cenv_clone_source_open(&r.source, clone->source, err);
    r.source.shared = placing == CENV_PLACE_HARDLINK;
    if (rc == 0)
        rc = cenv_clone_source_manifest(&r.source, store, false, task, err);
    if (rc == 0)
        rc = open_clone(&r, store, placing, task, err);
    if (rc == 0)
        rc = reset_files(&r, task, err);
    if (rc == 0)
        rc = cenv_provenance_apply_at(clone->path, clone->provenance, err);
    cenv_remembered_close(&r.remembered); /* if it goes, that changes ctimes */
    if (rc == 0)
        rc = mark_as_reset(&r, store, err);
    span.items = counts->checked;
    cenv_span_end(task, &span);
    release_reset(&r);
    return rc;
}
