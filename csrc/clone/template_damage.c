/* SPDX-License-Identifier: BSD-3-Clause */
/* By fstatat, file after file: it is asked rarely, and not on the way of a clone that works. */
#include "clone/template_damage.h"

#include <errno.h>

#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/path.h"
#include "prefix/file_hash.h"
#include "prefix/prefix_records.h"

enum { PATH_BYTES_MAX = 1 << 20 };

struct comparing {
    const struct cenv_manifest *own;
    int root;
    const char *path;
    struct cenv_prefix_records records; /* read when the first file is */
    bool has_records;
    struct cenv_file_hash hash;
    struct cenv_task *task;
};

static int fail_damaged(const struct comparing *c, const struct cenv_mf_file *file,
                        const char *what, struct cenv_error *err)
{
    const char *dir = cenv_mf_cstr(c->own, c->own->dirs[file->dir].path);
    struct cenv_str entry = cenv_path_parent(cenv_str(c->path));
    struct cenv_str id = cenv_path_base(entry);
    cenv_error_set(err, CENV_EINTEGRITY,
                   "the template '%s' is not what was built: '%s%s%s' %s", c->path, dir,
                   *dir ? "/" : "", cenv_mf_cstr(c->own, file->name), what);
    return cenv_error_hint(
        err, "cenv template check --repair %.*s builds it anew",
        CENV_STR_ARG(cenv_str_slice(id, 0, id.len < 12 ? id.len : 12)));
}

/* What differs, but for the ctime; NULL when nothing does. */
static const char *find_difference(const struct cenv_mf_file *file,
                                   const struct cenv_stat *st)
{
    enum cenv_file_type type =
        file->type == CENV_MF_FILE ? CENV_FT_FILE : CENV_FT_SYMLINK;
    if (st->type != type || st->ino != file->ino)
        return "was replaced";
    if (st->size != file->size)
        return "has another size";
    if (st->mtime_ns != file->mtime_ns)
        return "was written to";
    return st->mode != file->mode ? "has another mode" : NULL;
}

/* ---- by content ---- */

static struct cenv_str find_digest(const struct cenv_prefix_records *records,
                                   struct cenv_str path)
{
    for (size_t i = 0; i < records->nr; i++)
        for (size_t k = 0; k < records->records[i].nr_paths; k++)
            if (cenv_str_eq(records->records[i].paths[k].real, path))
                return cenv_prefix_records_path_hash(&records->records[i].paths[k]);
    return CENV_STR("");
}

static int prepare_reading(struct comparing *c, struct cenv_error *err)
{
    if (c->has_records)
        return 0;
    if (!cenv_file_hash_init(&c->hash, CENV_SHA256))
        return cenv_error_oom(err);
    int rc = cenv_prefix_records_read(&c->records, c->root, c->path, c->task, err);
    c->has_records = rc == 0;
    return rc;
}

/* 1: the digest is the package's, or there is none; 0: another one. */
static int has_content(struct comparing *c, const struct cenv_mf_file *file, int dir,
                       struct cenv_error *err)
{
    const char *name = cenv_mf_cstr(c->own, file->name);
    struct cenv_str parent = cenv_mf_str(c->own, c->own->dirs[file->dir].path);
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_buf path;
    int rc = prepare_reading(c, err);
    if (rc < 0)
        return rc;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_buf_addf(&path, "%s%s%s", parent.data, parent.len ? "/" : "", name);
    struct cenv_str wanted = find_digest(&c->records, cenv_buf_str(&path));
    cenv_buf_release(&path);
    if (!wanted.len)
        return 1;
    int in = cenv_fs_open_file(dir, name, NULL, err);
    if (in < 0)
        return in;
    rc = cenv_file_hash_fd(&c->hash, in, name, hex, NULL, c->task, err);
    cenv_fd_close(in);
    if (rc < 0)
        return rc;
    return cenv_str_is(wanted, hex);
}

/* ---- all files ---- */

static int check_file(struct comparing *c, const struct cenv_mf_file *file, int dir,
                      struct cenv_error *err)
{
    struct cenv_stat st;
    const char *name = cenv_mf_cstr(c->own, file->name);
    bool bytecode = cenv_str_ends(cenv_str(name), CENV_STR(".pyc"));
    if ((file->flags & CENV_MF_LEFT_OUT) || bytecode)
        return 0;
    int raw = dir < 0 ? dir : cenv_raw_stat(dir, name, &st);
    if (cenv_raw_is_absent(raw))
        return fail_damaged(c, file, "is gone", err);
    if (raw < 0)
        return cenv_fs_fail(err, raw, c->root, name, "cannot look at");
    const char *what = find_difference(file, &st);
    if (what)
        return fail_damaged(c, file, what, err);
    if (cenv_mf_is_same(file, &st) || file->type != CENV_MF_FILE)
        return 0;
    int rc = has_content(c, file, dir, err);
    if (rc == 0)
        return fail_damaged(c, file, "was written to", err);
    return rc < 0 ? rc : 0;
}

static int check_dir(struct comparing *c, const struct cenv_mf_dir *dir,
                     struct cenv_error *err)
{
    int fd = cenv_raw_open_beneath(c->root, cenv_mf_str(c->own, dir->path), 0);
    int rc = cenv_task_poll(c->task, err);
    for (uint32_t i = 0; i < dir->nr_files && rc == 0; i++)
        rc = check_file(c, &c->own->files[dir->first_file + i], fd, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_template_damage_check(const struct cenv_manifest *own, int root,
                               const char *path, struct cenv_task *task,
                               struct cenv_error *err)
{
    struct comparing c = {.own = own, .root = root, .path = path, .task = task};
    int rc = 0;
    for (uint32_t i = 0; i < own->nr_dirs && rc == 0; i++)
        rc = check_dir(&c, &own->dirs[i], err);
    cenv_file_hash_release(&c.hash);
    cenv_prefix_records_release(&c.records);
    return rc;
}
