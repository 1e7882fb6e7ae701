/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a prefix atomically: see newprefix.h. */
#include "ops/newprefix.h"

#include <errno.h>

#include "base/alloc.h"
#include "io/path.h"

char *cenv_prefix_path_clean(const char *path, struct cenv_error *err)
{
    struct cenv_buf clean;
    if (path[0] != '/')
        return cenv_fs_abspath(path, err);
    cenv_buf_init(&clean, 1 << 20);
    char *made =
        cenv_path_clean(cenv_str(path), &clean) == 0 ? cenv_buf_detach(&clean) : NULL;
    cenv_buf_release(&clean);
    if (!made)
        cenv_error_oom(err);
    return made;
}

/* PATH cannot hold a ":", and no shebang or script a newline. */
static int check_path(const char *path, struct cenv_error *err)
{
    for (const char *c = path; *c; c++)
        if (*c == ':' || (unsigned char)*c < 0x20 || *c == 0x7f)
            return cenv_error_set(
                err, CENV_EPREFIX, "'%s' cannot be a prefix: it has %s in it", path,
                *c == ':' ? "a ':', which separates the entries of PATH"
                          : "a control character");
    if (path[1] == '\0')
        return cenv_error_set(err, CENV_EPREFIX, "'/' cannot be a prefix");
    return 0;
}

/* What lies at the destination now. */
static int look(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat(p->parent, p->name, &st);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return cenv_fs_fail(err, rc, p->parent, p->name, "cannot look at");
    int fd = st.type == CENV_FT_DIR ? cenv_raw_open_dir(p->parent, p->name) : -ENOTDIR;
    bool empty = fd >= 0 && cenv_raw_is_empty_dir(fd) == 1;
    cenv_fd_close(fd);
    if (!empty) {
        cenv_error_set(err, CENV_EPREFIX, "'%s' exists and is not an empty directory",
                       p->path);
        return cenv_error_hint(err, "choose another path, or remove it first");
    }
    p->exists = true;
    p->exists_mode = st.mode;
    return 0;
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
    int rc = path ? 0 : err->status;
    if (rc == 0 && p->made < strlen(path))
        rc = cenv_fs_mkdirs(CENV_CWD, path, 0777, err);
    if (rc == 0) {
        p->parent = cenv_fs_open_root(path, err);
        rc = p->parent < 0 ? p->parent : 0;
    }
    cenv_free(path);
    return rc;
}

static int set_path(struct cenv_newprefix *p, const char *path, struct cenv_error *err)
{
    p->path = cenv_prefix_path_clean(path, err);
    int rc = p->path ? check_path(p->path, err) : err->status;
    if (rc == 0)
        p->name = strrchr(p->path, '/') + 1;
    return rc;
}

int cenv_newprefix_check(const char *path, int outside, struct cenv_error *err)
{
    struct cenv_newprefix p = {.parent = -1, .dir = -1};
    char *existing = NULL;
    int rc = set_path(&p, path, err);
    if (rc == 0 && !(existing = parent_path(&p, true, err)))
        rc = err->status;
    if (rc == 0) {
        p.parent = cenv_fs_open_root(existing, err);
        rc = p.parent < 0 ? p.parent : 0;
    }
    if (rc == 0 && cenv_raw_is_inside(p.parent, outside) == 1)
        rc = cenv_error_set(err, CENV_EPREFIX, "'%s' lies inside the source", p.path);
    if (rc == 0 && p.made == cenv_path_parent(cenv_str(p.path)).len)
        rc = look(&p, err);
    cenv_fd_close(p.parent);
    cenv_free(existing);
    cenv_free(p.path);
    return rc;
}

/* The new directory. What it loses of 0777 is what all others will lose of theirs. */
static int make_temp(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_buf stem;
    struct cenv_stat st;
    cenv_buf_init(&stem, 512);
    cenv_buf_addf(&stem, ".%.200s.cenv", p->name);
    p->temp = stem.failed ? NULL : cenv_fs_unique_name(stem.data);
    cenv_buf_release(&stem);
    if (!p->temp)
        return cenv_error_oom(err);
    int rc = cenv_raw_mkdir(p->parent, p->temp, 0777);
    if (rc < 0) {
        cenv_fs_fail(err, rc, p->parent, p->name, "cannot create");
        cenv_free(p->temp);
        p->temp = NULL;
        return err->status;
    }
    p->dir = cenv_fs_open_dir(p->parent, p->temp, err);
    if (p->dir < 0)
        return p->dir;
    rc = cenv_raw_stat_fd(p->dir, &st);
    p->mask = 0777 & ~st.mode;
    if (rc == 0)
        rc = cenv_raw_chmod_fd(p->dir, 0700);
    return rc < 0 ? cenv_fs_fail(err, rc, p->dir, NULL, "cannot prepare") : 0;
}

/* What is shown there now will have made way by then. */
static int look_over(struct cenv_newprefix *p, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(p->parent, p->name, &st, err);
    p->exists = rc == 0;
    p->exists_mode = st.mode;
    return rc;
}

static int open_with(struct cenv_newprefix *out, const char *path,
                     int (*look_at)(struct cenv_newprefix *, struct cenv_error *),
                     struct cenv_error *err)
{
    struct cenv_newprefix p = {.parent = -1, .dir = -1};
    int rc = set_path(&p, path, err);
    if (rc == 0)
        rc = open_parent(&p, err);
    if (rc == 0)
        rc = look_at(&p, err);
    if (rc == 0)
        rc = make_temp(&p, err);
    if (rc == 0)
        *out = p;
    else
        cenv_newprefix_close(&p);
    return rc;
}

int cenv_newprefix_open(struct cenv_newprefix *out, const char *path,
                        struct cenv_error *err)
{
    return open_with(out, path, look, err);
}

int cenv_newprefix_open_over(struct cenv_newprefix *out, const char *path,
                             struct cenv_error *err)
{
    return open_with(out, path, look_over, err);
}

int cenv_newprefix_publish(struct cenv_newprefix *p, uint32_t mode,
                           struct cenv_error *err)
{
    int rc = cenv_raw_chmod_fd(p->dir, p->exists ? p->exists_mode : mode);
    if (rc < 0)
        return cenv_fs_fail(err, rc, p->dir, NULL, "cannot set the mode of");
    rc = p->exists ? cenv_raw_rename(p->parent, p->temp, p->parent, p->name)
                   : cenv_raw_rename_noreplace(p->parent, p->temp, p->parent, p->name);
    if (rc == -EEXIST || rc == -ENOTEMPTY || rc == -ENOTDIR)
        return cenv_error_set(err, CENV_EPREFIX,
                              "'%s' came to be while it was being made", p->path);
    if (rc < 0)
        return cenv_fs_fail(err, rc, p->parent, p->name, "cannot move into place");
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
        cenv_free(p->temp);
        p->temp = NULL;
        p->published = false;
    }
}

void cenv_newprefix_close(struct cenv_newprefix *p)
{
    if (p->temp && !p->published)
        cenv_fs_discard_tree(p->parent, p->temp);
    if (p->path) {
        cenv_fd_close(p->dir);
        cenv_fd_close(p->parent);
        if (p->name && !p->published)
            remove_parents(p);
    }
    cenv_free(p->temp);
    cenv_free(p->path);
    *p = (struct cenv_newprefix){.parent = -1, .dir = -1};
}
