/* SPDX-License-Identifier: BSD-3-Clause */
/* All that is made before the rename is named after the destination, so that a sweep finds it. */
#include "prefix/new_prefix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/fs_rename.h"
#include "os/fs_where.h"
#include "os/path.h"
#include "os/raw_lock.h"
#include "os/sibling.h"
#include "os/subvolume.h"

/* ---- the destination ---- */

char *cenv_newprefix_clean_path(const char *path, struct cenv_error *err)
{
    struct cenv_buf clean;
    if (path[0] != '/')
        return cenv_fs_abspath(path, err);
    cenv_buf_init(&clean, 1 << 20);
    char *made =
        cenv_path_clean(cenv_str(path), &clean) ? cenv_buf_detach(&clean) : NULL;
    cenv_buf_release(&clean);
    if (!made)
        cenv_error_oom(err);
    return made;
}

static int refuse_path(struct cenv_error *err, const char *path, const char *why)
{
    return cenv_error_set(err, CENV_EPREFIX, "cannot make an environment at '%s': %s",
                          path, why);
}

/* PATH cannot hold a ":", and no shebang or script a newline. */
static int check_path(const char *path, struct cenv_error *err)
{
    for (const char *c = path; *c; c++)
        if (*c == ':' || (unsigned char)*c < 0x20 || *c == 0x7f)
            return refuse_path(err, path,
                               *c == ':' ? "':' in a path would break PATH"
                                         : "the path has a control character");
    return path[1] ? 0 : refuse_path(err, path, "it is the root of all");
}

/*
 * A link that a killed run left while link scripts ran leads to its own hidden sibling, and is
 * removed with it.
 */
static int look_at_link(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(p->parent, p->name, &target, err);
    struct cenv_str text = cenv_buf_str(&target), base = cenv_path_base(text);
    if (rc == 0 &&
        (!cenv_sibling_is_of(base.data, p->name) ||
         !cenv_str_eq(cenv_path_parent(text), cenv_path_parent(cenv_str(p->path)))))
        rc = refuse_path(err, p->path, "it is a link");
    if (rc == 0)
        rc = cenv_fs_exists(p->parent, base.data, err);
    if (rc == 0 || (rc == 1 && cenv_sibling_is_left(p->parent, base.data)))
        cenv_raw_unlink(p->parent, p->name);
    cenv_buf_release(&target);
    return rc < 0 ? rc : 0;
}

/* One that link scripts were shown when its maker was killed. */
static int is_unfinished(int dir, struct cenv_error *err)
{
    int marked = cenv_fs_exists(dir, CENV_NEWPREFIX_MARK, err);
    return marked == 1 ? cenv_raw_try_lock_dir(dir) == 0 : marked;
}

static int refuse_content(const struct cenv_newprefix *p, int dir,
                          struct cenv_error *err)
{
    int is = cenv_fs_exists(dir, "conda-meta", err);
    if (is < 0)
        return is;
    refuse_path(err, p->path,
                is ? "there is one already" : "the directory holds files");
    return cenv_error_hint(err, "choose another path, or remove what is there first");
}

/* No directory can be renamed over one of btrfs, as empty as it may be. */
static int refuse_subvolume(const struct cenv_newprefix *p, int dir,
                            struct cenv_error *err)
{
    struct cenv_subvolume_facts facts;
    struct cenv_stat st;
    if (cenv_raw_stat_fd(dir, &st) < 0 || st.ino != CENV_SUBVOLUME_INODE ||
        cenv_raw_subvolume_facts(dir, &facts) < 0)
        return 0;
    refuse_path(err, p->path, "it is a subvolume");
    return cenv_error_hint(err, "choose a path in it, or remove it first");
}

static int look_at_dir(struct cenv_newprefix *p, struct cenv_error *err)
{
    int fd = cenv_fs_open_dir(p->parent, p->name, err);
    if (fd < 0)
        return fd;
    int rc = is_unfinished(fd, err);
    if (rc == 1) {
        cenv_fs_discard_tree(p->parent, p->name);
        p->exists = false;
    }
    int empty = rc == 0 ? cenv_raw_is_empty_dir(fd) : 1;
    if (empty < 0)
        rc = cenv_fs_fail(err, empty, p->parent, p->name, "cannot look into");
    if (empty == 0)
        rc = refuse_content(p, fd, err);
    else if (empty > 0 && p->exists)
        rc = refuse_subvolume(p, fd, err);
    cenv_fd_close(fd);
    return rc < 0 ? rc : 0;
}

/* What lies at the destination now. */
static int look_at_place(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(p->parent, p->name, &st);
    if (raw == -ENOENT)
        return 0;
    if (raw < 0)
        return cenv_fs_fail(err, raw, p->parent, p->name, "cannot look at");
    if (st.type == CENV_FT_SYMLINK)
        return look_at_link(p, err);
    if (st.type != CENV_FT_DIR)
        return refuse_path(err, p->path, "it is a file");
    p->exists = true;
    p->exists_mode = st.mode;
    return look_at_dir(p, err);
}

/* The directory of the destination; with `existing` the deepest one that is there. Free it. */
static char *parent_path(struct cenv_newprefix *p, bool existing,
                         struct cenv_error *err)
{
    struct cenv_str parent = cenv_path_parent(cenv_str(p->path));
    char *path = cenv_memdup(parent.data, parent.len);
    p->made = parent.len; /* nothing was made yet, so that nothing is taken back */
    if (!path) {
        cenv_error_oom(err);
        return NULL;
    }
    int there = 1;
    while (p->made > 1 && (there = cenv_fs_exists(CENV_CWD, path, err)) == 0) {
        p->made = cenv_path_parent(cenv_str_n(path, p->made)).len;
        path[p->made] = '\0';
    }
    if (there >= 0) {
        if (!existing)
            memcpy(path, parent.data, parent.len);
        return path;
    }
    p->made = parent.len;
    cenv_free(path);
    return NULL;
}

/* Opens the directory of the destination, made when it is not there. */
static int open_parent(struct cenv_newprefix *p, struct cenv_error *err)
{
    char *path = parent_path(p, false, err);
    int rc = 0;
    if (!path)
        return err->status;
    if (p->made < strlen(path))
        rc = cenv_fs_mkdirs(CENV_CWD, path, 0777, err);
    if (rc == 0 && (p->parent = cenv_fs_open_root(path, err)) < 0)
        rc = p->parent;
    cenv_free(path);
    return rc;
}

static int set_path(struct cenv_newprefix *p, const char *path, struct cenv_error *err)
{
    p->path = cenv_newprefix_clean_path(path, err);
    if (!p->path)
        return err->status;
    int rc = check_path(p->path, err);
    if (rc == 0)
        p->name = strrchr(p->path, '/') + 1;
    return rc;
}

int cenv_newprefix_check(const char *path, int outside, struct cenv_error *err)
{
    struct cenv_newprefix p = CENV_NEWPREFIX_INIT;
    char *existing = NULL;
    int rc = set_path(&p, path, err);
    if (rc == 0 && !(existing = parent_path(&p, true, err)))
        rc = err->status;
    if (rc == 0 && (p.parent = cenv_fs_open_root(existing, err)) < 0)
        rc = p.parent;
    if (rc == 0 && outside >= 0 && cenv_raw_is_inside(p.parent, outside) == 1)
        rc = refuse_path(err, p.path, "it lies inside the source");
    if (rc == 0 && p.made == cenv_path_parent(cenv_str(p.path)).len)
        rc = look_at_place(&p, err);
    cenv_fd_close(p.parent);
    cenv_free(existing);
    cenv_free(p.path);
    return rc;
}

/* ---- making ---- */

static int name_temp(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_buf path;
    char *temp = cenv_sibling_name(p->name);
    cenv_buf_init(&path, 1 << 20);
    cenv_buf_add(&path, p->path, (size_t)(p->name - p->path));
    size_t at = path.len;
    cenv_buf_puts(&path, temp ? temp : "");
    p->temp_path = temp ? cenv_buf_detach(&path) : NULL;
    p->temp = p->temp_path ? p->temp_path + at : NULL;
    cenv_buf_release(&path);
    cenv_free(temp);
    return p->temp ? 0 : cenv_error_oom(err);
}

/* What is shown there now will have made way by the time of publishing. */
static int note_place(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(p->parent, p->name, &st, err);
    if (rc < 0)
        return rc;
    p->exists = true;
    p->exists_mode = st.mode;
    return 0;
}

static int open_newprefix(struct cenv_newprefix *out, const char *path, bool sweep,
                          int (*look_at)(struct cenv_newprefix *, struct cenv_error *),
                          struct cenv_error *err)
{
    struct cenv_newprefix p = CENV_NEWPREFIX_INIT;
    int rc = set_path(&p, path, err);
    if (rc == 0)
        rc = open_parent(&p, err);
    if (rc == 0)
        rc = look_at(&p, err);
    if (rc == 0 && sweep)
        cenv_sibling_sweep(p.parent, p.name);
    if (rc == 0)
        rc = name_temp(&p, err);
    if (rc == 0)
        *out = p;
    else
        cenv_newprefix_close(&p);
    return rc;
}

int cenv_newprefix_open(struct cenv_newprefix *out, const char *path, bool sweep,
                        struct cenv_error *err)
{
    return open_newprefix(out, path, sweep, look_at_place, err);
}

int cenv_newprefix_open_over(struct cenv_newprefix *out, const char *path,
                             struct cenv_error *err)
{
    return open_newprefix(out, path, false, note_place, err);
}

/* The new directory. What it loses of 0777 is what all others will lose of theirs. */
int cenv_newprefix_make(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_stat st;
    p->dir = cenv_raw_make_sibling(p->parent, p->temp, 0777);
    if (p->dir < 0)
        return cenv_fs_fail(err, p->dir, p->parent, p->name, "cannot create");
    p->made_temp = true;
    int raw = cenv_raw_stat_fd(p->dir, &st);
    p->mask = 0777 & ~st.mode;
    if (raw == 0)
        raw = cenv_raw_chmod_fd(p->dir, 0700);
    return raw < 0 ? cenv_fs_fail(err, raw, p->dir, NULL, "cannot prepare") : 0;
}

/* The lock of the old one goes with its descriptor, after the new one is there and locked. */
int cenv_newprefix_make_snapshot(struct cenv_newprefix *p, int of,
                                 struct cenv_error *err)
{
    int rc = cenv_fs_remove_tree(p->parent, p->temp, err);
    if (rc < 0)
        return rc;
    int dir = cenv_raw_snapshot_sibling(p->parent, p->temp, of);
    if (dir < 0)
        return cenv_fs_fail(err, dir, p->parent, p->name, "cannot make a snapshot for");
    cenv_fd_close(p->dir);
    p->dir = dir;
    int raw = cenv_raw_chmod_fd(dir, 0700);
    return raw < 0 ? cenv_fs_fail(err, raw, dir, NULL, "cannot prepare") : 0;
}

int cenv_newprefix_publish(struct cenv_newprefix *p, uint32_t mode,
                           struct cenv_error *err)
{
    int raw = cenv_raw_chmod_fd(p->dir, p->exists ? p->exists_mode : mode);
    if (raw < 0)
        return cenv_fs_fail(err, raw, p->dir, NULL, "cannot set the mode of");
    raw = p->exists ? cenv_raw_rename(p->parent, p->temp, p->parent, p->name)
                    : cenv_raw_rename_noreplace(p->parent, p->temp, p->parent, p->name);
    if (raw == -EEXIST || raw == -ENOTEMPTY || raw == -ENOTDIR)
        return refuse_path(err, p->path, "something appeared there meanwhile");
    if (raw < 0)
        return cenv_fs_fail(err, raw, p->parent, p->name, "cannot move into place");
    p->published = true;
    return 0;
}

/* Takes back the parents that were made, as far as nobody else uses them. */
static void remove_parents(struct cenv_newprefix *p)
{
    struct cenv_str at = cenv_path_parent(cenv_str(p->path));
    while (at.len > p->made && at.len > 1) {
        p->path[at.len] = '\0';
        if (cenv_raw_rmdir(CENV_CWD, p->path) < 0)
            return;
        at = cenv_path_parent(at);
    }
}

void cenv_newprefix_withdraw(struct cenv_newprefix *p)
{
    if (p->published && !p->exists && cenv_raw_rmdir(p->parent, p->name) == 0) {
        p->made_temp = p->published = false;
    }
}

void cenv_newprefix_discard(struct cenv_newprefix *p)
{
    struct cenv_stat st;
    bool unfinished = p->made_temp && !p->published;
    p->made_temp = false;
    if (unfinished && p->hurried) {
        p->left = !cenv_fs_discard_tree_quickly(p->parent, p->temp);
    } else if (unfinished) {
        cenv_fs_discard_tree(p->parent, p->temp);
        p->left = cenv_raw_stat(p->parent, p->temp, &st) == 0;
    }
    if (p->left)
        cenv_sibling_give_up(p->dir);
}

void cenv_newprefix_close(struct cenv_newprefix *p)
{
    cenv_newprefix_discard(p);
    if (p->path) {
        cenv_fd_close(p->dir);
        cenv_fd_close(p->parent);
        if (p->name && !p->published)
            remove_parents(p);
    }
    cenv_free(p->temp_path);
    cenv_free(p->path);
    *p = (struct cenv_newprefix)CENV_NEWPREFIX_INIT;
}
