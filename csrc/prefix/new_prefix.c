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
#include "os/pid.h"
#include "os/raw_lock.h"

/* Where locks do not work, a sibling as old as this is nobody's. */
enum { ABANDONED_SECONDS = 7 * 24 * 3600, NEW_SECONDS = 120 };
enum { STEM_MAX = 180, HEAD_SIZE = STEM_MAX + 16 };

/* What the siblings of a destination start with; room is left for the rest of a name. */
static struct cenv_str sibling_head(const char *name, char head[HEAD_SIZE])
{
    size_t len = strlen(name);
    snprintf(head, HEAD_SIZE, ".%.*s.cenv", (int)(len < STEM_MAX ? len : STEM_MAX),
             name);
    return cenv_str(head);
}

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
    char head[HEAD_SIZE];
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(p->parent, p->name, &target, err);
    struct cenv_str text = cenv_buf_str(&target), base = cenv_path_base(text);
    if (rc == 0 &&
        (!cenv_str_starts(base, sibling_head(p->name, head)) ||
         !cenv_str_eq(cenv_path_parent(text), cenv_path_parent(cenv_str(p->path)))))
        rc = refuse_path(err, p->path, "it is a link");
    else if (rc == 0 && (!cenv_fs_exists(p->parent, base.data) ||
                         cenv_newprefix_is_left(p->parent, base.data)))
        cenv_raw_unlink(p->parent, p->name);
    cenv_buf_release(&target);
    return rc;
}

/* One that link scripts were shown when its maker was killed. */
static bool is_unfinished(int dir)
{
    return cenv_fs_exists(dir, CENV_NEWPREFIX_MARK) && cenv_raw_try_lock_dir(dir) == 0;
}

static int look_at_dir(struct cenv_newprefix *p, struct cenv_error *err)
{
    int fd = cenv_raw_open_dir(p->parent, p->name);
    if (fd >= 0 && is_unfinished(fd)) {
        cenv_fd_close(fd);
        cenv_fs_discard_tree(p->parent, p->name);
        p->exists = false;
        return 0;
    }
    int empty = fd < 0 ? fd : cenv_raw_is_empty_dir(fd);
    if (empty < 0)
        cenv_fs_fail(err, empty, p->parent, p->name, "cannot look into");
    if (empty == 0) {
        refuse_path(err, p->path,
                    cenv_fs_exists(fd, "conda-meta") ? "there is one already"
                                                     : "the directory holds files");
        cenv_error_hint(err, "choose another path, or remove what is there first");
    }
    cenv_fd_close(fd);
    return err->status;
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
    if (!path) {
        cenv_error_oom(err);
        return NULL;
    }
    p->made = parent.len;
    while (p->made > 1 && !cenv_fs_exists(CENV_CWD, path)) {
        p->made = cenv_path_parent(cenv_str_n(path, p->made)).len;
        path[p->made] = '\0';
    }
    if (!existing)
        memcpy(path, parent.data, parent.len);
    return path;
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

/* ---- what killed runs left ---- */

static int64_t pid_of(const char *name)
{
    const char *at = strstr(name, ".cenv-");
    return at ? strtoll(at + strlen(".cenv-"), NULL, 10) : 0;
}

/*
 * Its maker locks it right after making it: until then its process tells, or its age, as where
 * processes have numbers of their own (containers). A lock shows that it lives, wherever it does.
 */
bool cenv_newprefix_is_left(int parent, const char *name)
{
    struct cenv_stat st;
    int dir = cenv_raw_open_dir(parent, name);
    int raw = dir < 0 ? dir : cenv_raw_stat_fd(dir, &st);
    if (raw == 0)
        raw = cenv_raw_try_lock_dir(dir);
    int64_t age = raw < 0 && raw != -ENOTSUP
                      ? -1
                      : (int64_t)time(NULL) - st.mtime_ns / 1000000000;
    cenv_fd_close(dir);
    return raw == 0 ? cenv_pid_is_gone(pid_of(name)) || age > NEW_SECONDS
                    : age > ABANDONED_SECONDS;
}

static void sweep_siblings(const struct cenv_newprefix *p)
{
    char head[HEAD_SIZE];
    struct cenv_str start = sibling_head(p->name, head);
    struct cenv_listing list;
    int fd = cenv_raw_open_dir(p->parent, ".");
    if (fd >= 0 && cenv_listing_read(&list, fd, false) == 0) {
        for (size_t i = 0; i < list.nr; i++)
            if (list.entries[i].type == CENV_FT_DIR &&
                cenv_str_starts(cenv_str(list.entries[i].name), start) &&
                cenv_newprefix_is_left(p->parent, list.entries[i].name))
                cenv_fs_discard_tree(p->parent, list.entries[i].name);
        cenv_listing_release(&list);
    }
    cenv_fd_close(fd);
}

/* ---- making ---- */

static int name_temp(struct cenv_newprefix *p, struct cenv_error *err)
{
    char head[HEAD_SIZE];
    struct cenv_buf path;
    sibling_head(p->name, head);
    char *temp = cenv_fs_unique_name(head);
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
        sweep_siblings(&p);
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
    int raw = cenv_raw_mkdir(p->parent, p->temp, 0777);
    if (raw < 0)
        return cenv_fs_fail(err, raw, p->parent, p->name, "cannot create");
    p->made_temp = true;
    p->dir = cenv_fs_open_dir(p->parent, p->temp, err);
    if (p->dir < 0)
        return p->dir;
    cenv_raw_lock_dir(p->dir); /* where it cannot work, age tells */
    raw = cenv_raw_stat_fd(p->dir, &st);
    p->mask = 0777 & ~st.mode;
    if (raw == 0)
        raw = cenv_raw_chmod_fd(p->dir, 0700);
    return raw < 0 ? cenv_fs_fail(err, raw, p->dir, NULL, "cannot prepare") : 0;
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

void cenv_newprefix_close(struct cenv_newprefix *p)
{
    if (p->made_temp && !p->published)
        cenv_fs_discard_tree(p->parent, p->temp);
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
