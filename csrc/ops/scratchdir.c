/* SPDX-License-Identifier: BSD-3-Clause */
/* Building beside the destination: names, locks, the sweep of what killed runs left. */
#include "ops/scratchdir.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "io/fs.h"
#include "io/path.h"

#define LOCK_NAME ".cenv-lock"

enum { GRACE_SECONDS = 120, STEM_MAX = 180, HEAD_SIZE = STEM_MAX + 16 };

/* What the siblings of a destination start with; room is left for the rest of a name. */
static const char *sibling_head(struct cenv_str final, char head[HEAD_SIZE])
{
    struct cenv_str base = cenv_path_base(final);

    snprintf(head, HEAD_SIZE, ".%.*s.cenv",
             (int)(base.len < STEM_MAX ? base.len : STEM_MAX), base.data);
    return head;
}

/* ---- the destination ---- */

static int refuse(struct cenv_error *err, const char *path, const char *why)
{
    return cenv_error_set(err, CENV_EPREFIX, "cannot make an environment at '%s': %s",
                          path, why);
}

/* conda refuses ':' too: activation puts the prefix on PATH. */
static int check_bytes(const char *path, struct cenv_error *err)
{
    struct cenv_str text = cenv_str(path);

    if (!text.len)
        return refuse(err, path, "the path is empty");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f || c == ':')
            return refuse(err, path,
                          c == ':' ? "':' in a path would break PATH"
                                   : "the path has a control character");
    }
    return 0;
}

static char *clean_path(const char *path, struct cenv_error *err)
{
    struct cenv_buf out;

    if (path[0] != '/')
        return cenv_fs_abspath(path, err);
    cenv_buf_init(&out, strlen(path) + 2);
    cenv_path_clean(cenv_str(path), &out);
    char *clean = cenv_buf_detach(&out);
    if (!clean)
        cenv_error_oom(err);
    return clean;
}

/* A link that a killed run left while link scripts ran leads to its own hidden sibling. */
static bool is_stale_link(struct cenv_str target, struct cenv_str final)
{
    char head[HEAD_SIZE];

    return cenv_str_starts(cenv_path_base(target),
                           cenv_str(sibling_head(final, head))) &&
           cenv_str_eq(cenv_path_parent(target), cenv_path_parent(final));
}

static int check_link(const char *final, struct cenv_error *err)
{
    struct cenv_buf target;

    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(CENV_CWD, final, &target, err);
    if (rc == 0 && !is_stale_link(cenv_buf_str(&target), cenv_str(final)))
        rc = refuse(err, final, "it is a link");
    cenv_buf_release(&target);
    return rc;
}

static int check_dir(const char *final, struct cenv_error *err)
{
    int fd = cenv_raw_open_dir(CENV_CWD, final);
    int empty = fd < 0 ? fd : cenv_raw_is_empty_dir(fd);

    if (empty == 0) {
        refuse(err, final,
               cenv_fs_exists(fd, "conda-meta") ? "there is one already"
                                                : "the directory holds files");
        cenv_error_hint(err, "choose another path, or remove what is there first");
    }
    cenv_fd_close(fd);
    if (empty < 0)
        return cenv_fs_fail(err, empty, CENV_CWD, final, "cannot look into");
    return empty ? 0 : CENV_EPREFIX;
}

/* 0, with *st.type CENV_FT_DIR when an empty directory is to be replaced. */
static int check_final(const char *final, struct cenv_stat *st, struct cenv_error *err)
{
    int rc = cenv_raw_stat(CENV_CWD, final, st);

    if (rc == -ENOENT) {
        *st = (struct cenv_stat){.type = CENV_FT_OTHER};
        return 0;
    }
    if (rc < 0)
        return cenv_fs_fail(err, rc, CENV_CWD, final, "cannot look at");
    if (st->type == CENV_FT_SYMLINK)
        return check_link(final, err);
    return st->type == CENV_FT_DIR ? check_dir(final, err)
                                   : refuse(err, final, "it is a file");
}

int cenv_scratchdir_check(const char *path, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = check_bytes(path, err);
    char *final = rc ? NULL : clean_path(path, err);

    if (rc == 0)
        rc = final ? check_final(final, &st, err) : err->status;
    cenv_free(final);
    return rc;
}

/* ---- what killed runs left ---- */

/* Nobody holds the lock inside: its owner is gone. Without a lock only age tells. */
static bool is_left_over(int parent, const char *name)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *lock = NULL;
    struct cenv_stat st;
    int dir = cenv_raw_open_dir(parent, name);
    bool left = false;

    if (dir < 0 || cenv_raw_stat_fd(dir, &st) < 0)
        left = false;
    else if (!cenv_fs_exists(dir, LOCK_NAME))
        left = st.mtime_ns / 1000000000 + GRACE_SECONDS < (int64_t)time(NULL);
    else
        left = cenv_lock_try(&lock, dir, LOCK_NAME, CENV_LOCK_EXCLUSIVE, NULL,
                             &ignored) == 0 &&
               lock && cenv_lock_works(lock);
    cenv_lock_free(lock);
    cenv_fd_close(dir);
    cenv_error_release(&ignored);
    return left;
}

static void sweep(int parent, const char *final)
{
    char head[HEAD_SIZE], name[CENV_PATH_NAME_MAX + 1];
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int fd = cenv_raw_open_dir(parent, ".");

    sibling_head(cenv_str(final), head);
    if (fd >= 0 && cenv_dir_init(&dir, fd) == 0) {
        while (cenv_dir_next(&dir, &entry) == 1) {
            bool ours =
                entry.type == CENV_FT_DIR && entry.len < sizeof(name) &&
                cenv_str_starts(cenv_str_n(entry.name, entry.len), cenv_str(head));
            if (!ours)
                continue;
            memcpy(name, entry.name, entry.len + 1);
            if (is_left_over(parent, name))
                cenv_fs_discard_tree(parent, name);
        }
        cenv_dir_release(&dir);
    }
    cenv_fd_close(fd);
}

/* A link whose sibling is gone by now has nobody behind it. */
static void sweep_link(const char *final)
{
    struct cenv_stat st;

    if (cenv_raw_stat(CENV_CWD, final, &st) == 0 && st.type == CENV_FT_SYMLINK &&
        !cenv_fs_is_dir(final))
        cenv_raw_unlink(CENV_CWD, final);
}

/* ---- making ---- */

/* The topmost ancestor of `path` that is missing, "" when its parent is there; 0 or -1. */
static int missing_above(const char *path, struct cenv_str *missing)
{
    struct cenv_str at = cenv_path_parent(cenv_str(path));

    *missing = (struct cenv_str){"", 0};
    while (at.len > 1) {
        char *text = cenv_memdup(at.data, at.len);
        bool there = text && cenv_fs_exists(CENV_CWD, text);
        cenv_free(text);
        if (!text || there)
            return text ? 0 : -1;
        *missing = at;
        at = cenv_path_parent(at);
    }
    return 0;
}

static int open_parent(struct cenv_scratchdir *dir, struct cenv_error *err)
{
    struct cenv_str parent = cenv_path_parent(cenv_str(dir->final));
    struct cenv_str missing = {"", 0};
    char *text = cenv_memdup(parent.data, parent.len);
    int rc = text && missing_above(dir->final, &missing) == 0 ? 0 : cenv_error_oom(err);

    if (rc == 0 && missing.len) {
        dir->made_above = cenv_memdup(missing.data, missing.len);
        rc = dir->made_above ? cenv_fs_mkdirs(CENV_CWD, text, 0777, err)
                             : cenv_error_oom(err);
    }
    if (rc == 0) {
        dir->parent = cenv_fs_open_root(text, err);
        rc = dir->parent < 0 ? dir->parent : 0;
    }
    cenv_free(text);
    return rc;
}

static int make_sibling(struct cenv_scratchdir *dir, struct cenv_task *task,
                        struct cenv_error *err)
{
    char head[HEAD_SIZE];
    int rc = cenv_fs_mkdir_temp(dir->parent, sibling_head(cenv_str(dir->final), head),
                                &dir->name, err);

    if (rc < 0)
        return rc;
    int fd = cenv_fs_open_dir(dir->parent, dir->name, err);
    rc = fd < 0 ? fd
                : cenv_lock_take(&dir->lock, fd, LOCK_NAME, CENV_LOCK_EXCLUSIVE, NULL,
                                 task, err);
    cenv_fd_close(fd);
    struct cenv_str parent = cenv_path_parent(cenv_str(dir->final));
    struct cenv_buf path;
    cenv_buf_init(&path, parent.len + strlen(dir->name) + 2);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(parent), parent.len > 1 ? "/" : "",
                  dir->name);
    dir->path = cenv_buf_detach(&path);
    return rc < 0 ? rc : dir->path ? 0 : cenv_error_oom(err);
}

int cenv_scratchdir_open(struct cenv_scratchdir *out, const char *path,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_scratchdir dir = {.parent = -1};
    struct cenv_stat st = {.type = CENV_FT_OTHER};
    int rc = check_bytes(path, err);

    if (rc == 0)
        rc = (dir.final = clean_path(path, err)) ? 0 : err->status;
    if (rc == 0)
        rc = check_final(dir.final, &st, err);
    if (rc == 0)
        rc = open_parent(&dir, err);
    if (rc == 0) {
        sweep(dir.parent, dir.final);
        sweep_link(dir.final);
        dir.replaces = st.type == CENV_FT_DIR;
        dir.mode = st.mode;
        rc = make_sibling(&dir, task, err);
    }
    if (rc == 0)
        *out = dir;
    else
        cenv_scratchdir_close(&dir);
    return rc;
}

/* mkdir gave the sibling 0700; a new prefix has what mkdir gives to its directories. */
static int set_mode(const struct cenv_scratchdir *dir, int fd)
{
    struct cenv_stat st;
    uint32_t mode = dir->mode;
    int rc = 0;

    if (!dir->replaces) {
        rc = cenv_raw_stat(fd, "conda-meta", &st);
        mode = rc < 0 ? 0755 : st.mode;
        rc = 0;
    }
    return rc ? rc : cenv_raw_chmod_fd(fd, mode);
}

int cenv_scratchdir_publish(struct cenv_scratchdir *dir, struct cenv_error *err)
{
    struct cenv_str base = cenv_path_base(cenv_str(dir->final));
    int fd = cenv_fs_open_dir(dir->parent, dir->name, err);

    if (fd < 0)
        return fd;
    int rc = set_mode(dir, fd);
    cenv_raw_unlink(fd, LOCK_NAME);
    if (rc == 0) /* a rename puts a directory in the place of an empty one */
        rc = dir->replaces
                 ? cenv_raw_rename(dir->parent, dir->name, dir->parent, base.data)
                 : cenv_raw_rename_noreplace(dir->parent, dir->name, dir->parent,
                                             base.data);
    cenv_fd_close(fd);
    if (rc == -EEXIST || rc == -ENOTEMPTY || rc == -ENOTDIR)
        return refuse(err, dir->final, "something appeared there meanwhile");
    if (rc < 0)
        return cenv_fs_fail(err, rc, dir->parent, base.data, "cannot rename to");
    dir->published = true;
    return 0;
}

/* Upwards from the parent as far as we made it; rmdir leaves what others filled. */
static void remove_made(const struct cenv_scratchdir *dir)
{
    struct cenv_str at = cenv_path_parent(cenv_str(dir->final));
    size_t least = strlen(dir->made_above);

    while (at.len >= least) {
        char *text = cenv_memdup(at.data, at.len);
        if (text)
            cenv_raw_rmdir(CENV_CWD, text);
        cenv_free(text);
        at = cenv_path_parent(at);
    }
}

void cenv_scratchdir_close(struct cenv_scratchdir *dir)
{
    if (dir->name && !dir->published)
        cenv_fs_discard_tree(dir->parent, dir->name);
    if (dir->made_above && !dir->published)
        remove_made(dir);
    cenv_lock_free(dir->lock);
    cenv_fd_close(dir->parent);
    cenv_free(dir->final);
    cenv_free(dir->path);
    cenv_free(dir->name);
    cenv_free(dir->made_above);
    *dir = (struct cenv_scratchdir){.parent = -1};
}
