/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Conda and mamba trust an extracted directory by its record; here each of its files must have the
 * hash that its paths.json tells, and it is copied before it is used: the other tools do not say
 * when they change it, and we never write there.
 */
#include "fetch/pkgs_dirs.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/fs_place.h"
#include "os/fs_remove.h"
#include "os/path.h"
#include "package/package_manifest.h"
#include "package/paths_json.h"
#include "prefix/file_hash.h"
#include "store/package_entry.h"

enum { NO_FIT = 1, DOC_MAX = 64 << 20 };

/* What makes an entry unfit; anything else is an error of ours. */
static int or_no_fit(int rc, struct cenv_error *bad, struct cenv_error *err)
{
    if (rc == CENV_ENOMEM || rc == CENV_ECANCELLED)
        return cenv_error_move(err, bad);
    cenv_error_release(bad);
    return rc < 0 ? NO_FIT : rc;
}

/* ---- where it may lie ---- */

enum { NR_PLACES = 2 };

/* "https://host/channel/subdir/fn" -> "https/host/channel/subdir", as mamba lays it out; false when
 * the URL has no such place. */
static bool format_url_place(struct cenv_str url, struct cenv_buf *out)
{
    struct cenv_str scheme = cenv_str_cut(&url, ':');
    struct cenv_str rest = cenv_path_parent(url);
    while (rest.len && rest.data[0] == '/')
        rest = cenv_str_slice(rest, 1, rest.len);
    if (!rest.len)
        return false;
    cenv_buf_add_str(out, scheme);
    cenv_buf_putc(out, '/');
    cenv_buf_add_str(out, rest);
    return true;
}

/* The directory of place number `place` below `pkgs`, and its path below it; fd or -errno. */
static int open_place(int pkgs, int place, const struct cenv_pkgs_dirs_want *want,
                      struct cenv_buf *path)
{
    if (place == 0)
        return cenv_raw_dup(pkgs);
    bool has_place = format_url_place(want->url, path);
    if (path->failed)
        return -ENOMEM;
    if (!has_place || cenv_path_refused(cenv_buf_str(path)))
        return -ENOENT;
    return cenv_raw_open_beneath(pkgs, cenv_buf_str(path), 0);
}

static struct cenv_str stem_of(struct cenv_str fn)
{
    static const char *const ends[] = {".conda", ".tar.bz2"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (cenv_str_ends(fn, cenv_str(ends[i])))
            return cenv_str_slice(fn, 0, fn.len - strlen(ends[i]));
    return fn;
}

/* Tries every place: 0 or a status ends the search, NO_FIT goes on. */
typedef int (*try_fn)(void *ctx, int dir, const char *place, const char *name,
                      struct cenv_error *err);

static int try_place(int pkgs, int place, const struct cenv_pkgs_dirs_want *want,
                     const char *name, try_fn attempt, void *ctx,
                     struct cenv_error *err)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 16);
    int dir = open_place(pkgs, place, want, &path);
    int rc = dir == -ENOMEM ? cenv_error_oom(err) : NO_FIT;
    if (dir >= 0)
        rc = attempt(ctx, dir, cenv_buf_str(&path).data, name, err);
    cenv_fd_close(dir);
    cenv_buf_release(&path);
    return rc;
}

static int search_places(const char *pkgs_dir, const struct cenv_pkgs_dirs_want *want,
                         struct cenv_str base, try_fn attempt, void *ctx,
                         struct cenv_error *err)
{
    struct cenv_error bad = CENV_ERROR_INIT;
    int rc = NO_FIT;
    if (!cenv_path_is_name(want->fn) || (!want->sha256.len && !want->md5.len))
        return NO_FIT;
    char *name = cenv_memdup(base.data, base.len);
    if (!name)
        return cenv_error_oom(err);
    int pkgs = cenv_fs_open_root(pkgs_dir, &bad);
    for (int place = 0; pkgs >= 0 && place < NR_PLACES && rc == NO_FIT; place++)
        rc = try_place(pkgs, place, want, name, attempt, ctx, err);
    cenv_fd_close(pkgs);
    cenv_error_release(&bad);
    cenv_free(name);
    return rc;
}

/* ---- archives ---- */

struct archive_search {
    const struct cenv_pkgs_dirs_want *want;
    const char *pkgs_dir;
    struct cenv_buf *path;
    struct cenv_task *task;
};

static int hash_fits(const struct cenv_pkgs_dirs_want *want, int fd, const char *name,
                     struct cenv_task *task, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_file_hash hash = {NULL, NULL};
    struct cenv_error bad = CENV_ERROR_INIT;
    struct cenv_str wanted = want->sha256.len ? want->sha256 : want->md5;
    if (!cenv_file_hash_init(&hash, want->sha256.len ? CENV_SHA256 : CENV_MD5))
        return cenv_error_oom(err);
    int rc = cenv_file_hash_fd(&hash, fd, name, hex, NULL, task, &bad);
    if (rc == 0 && !cenv_str_is(wanted, hex))
        rc = NO_FIT;
    cenv_file_hash_release(&hash);
    return or_no_fit(rc, &bad, err);
}

static int try_archive(void *ctx, int dir, const char *place, const char *name,
                       struct cenv_error *err)
{
    struct archive_search *search = ctx;
    struct cenv_stat st;
    int fd = cenv_raw_open_file(dir, name, &st);
    if (fd < 0)
        return NO_FIT;
    int rc = search->want->size && st.size != search->want->size ? NO_FIT : 0;
    if (rc == 0)
        rc = hash_fits(search->want, fd, name, search->task, err);
    cenv_fd_close(fd);
    if (rc == 0 && !cenv_buf_addf(search->path, "%s/%s%s%s", search->pkgs_dir, place,
                                  *place ? "/" : "", name))
        rc = cenv_error_oom(err);
    return rc;
}

int cenv_pkgs_dirs_find_archive(const char *pkgs_dir,
                                const struct cenv_pkgs_dirs_want *want,
                                struct cenv_buf *path, struct cenv_task *task,
                                struct cenv_error *err)
{
    struct archive_search ctx = {want, pkgs_dir, path, task};
    int rc = search_places(pkgs_dir, want, want->fn, try_archive, &ctx, err);
    return rc < 0 ? rc : rc == 0;
}

/* ---- extracted packages ---- */

struct copying {
    const struct cenv_pkgs_dirs_want *want;
    int entry; /* where content/ and manifest go */
    int content;
    struct cenv_dirs from, to;
    struct cenv_file_hash hash;
    struct cenv_package_manifest manifest;
    struct cenv_task *task;
    struct cenv_error bad; /* what made it unfit */
};

static int read_doc(int dir, const char *path, struct cenv_json **out,
                    struct cenv_error *err)
{
    struct cenv_buf text;
    cenv_buf_init(&text, DOC_MAX);
    int rc = cenv_fs_read_file(dir, path, &text, err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), path, err);
    cenv_buf_release(&text);
    return rc;
}

/* The stronger hash both know decides; MD5 counts only together with the size. */
static bool is_wanted(const struct cenv_json *record,
                      const struct cenv_pkgs_dirs_want *want)
{
    struct cenv_str sha256 = cenv_json_get_str(record, "sha256");
    struct cenv_str md5 = cenv_json_get_str(record, "md5");
    if (want->sha256.len && sha256.len)
        return cenv_str_eq(want->sha256, sha256);
    return !want->sha256.len && want->md5.len && cenv_str_eq(want->md5, md5) &&
           (!want->size ||
            cenv_json_get_int(record, "size", -1) == (int64_t)want->size);
}

static bool is_named(const struct cenv_json *index,
                     const struct cenv_pkgs_dirs_want *want)
{
    return cenv_str_eq(cenv_json_get_str(index, "name"), want->name) &&
           cenv_str_eq(cenv_json_get_str(index, "version"), want->version) &&
           cenv_str_eq(cenv_json_get_str(index, "build"), want->build);
}

static int check_documents(struct copying *copying, int source)
{
    struct cenv_json *record = NULL, *index = NULL;
    int rc = read_doc(source, "info/repodata_record.json", &record, &copying->bad);
    if (rc == 0)
        rc = read_doc(source, "info/index.json", &index, &copying->bad);
    if (rc == 0 &&
        (!is_wanted(record, copying->want) || !is_named(index, copying->want)))
        rc = NO_FIT;
    cenv_json_free(record);
    cenv_json_free(index);
    return rc;
}

/* The copy is what is hashed: the original may change under our hands. */
static int hash_copy(struct copying *copying, int dir, struct cenv_package_file *entry,
                     struct cenv_str wanted)
{
    char hex[CENV_DIGEST_HEX_MAX];
    int fd =
        cenv_fs_open_file(dir, cenv_path_base(entry->path).data, NULL, &copying->bad);
    if (fd < 0)
        return fd;
    int rc = cenv_file_hash_fd(&copying->hash, fd, entry->path.data, hex, &entry->size,
                               copying->task, &copying->bad);
    cenv_fd_close(fd);
    if (rc == 0 && wanted.len && !cenv_str_is(wanted, hex))
        rc = NO_FIT;
    if (rc == 0)
        cenv_unhex(cenv_str(hex), entry->sha256, sizeof(entry->sha256));
    return rc;
}

/* What is noted is what the copy has; 0, or -errno. */
static int note_time(int to, const char *name, struct cenv_package_file *entry)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat(to, name, &st);
    if (rc == 0)
        entry->mtime_ns = st.mtime_ns;
    return rc;
}

/*
 * Modes are as extraction gives them: no set-id bits, nothing that others may write
 * (docs/design/extract.md 2.1).
 */
static int copy_file(struct copying *copying, int from, int to,
                     struct cenv_package_file *entry, const struct cenv_stat *st,
                     struct cenv_str wanted)
{
    enum cenv_place_mode got;
    const char *name = cenv_path_base(entry->path).data;
    entry->mode = st->mode & 0755;
    entry->mtime_ns = st->mtime_ns;
    int rc = cenv_raw_place(from, name, st, to, name, CENV_PLACE_AUTO, true, &got,
                            copying->task);
    if (rc > 0)
        rc = note_time(to, name, entry);
    if (rc == 0 && entry->mode != st->mode)
        rc = cenv_raw_chmod(to, name, entry->mode);
    if (rc < 0)
        return cenv_fs_fail(&copying->bad, rc, to, name, "cannot copy");
    return hash_copy(copying, to, entry, wanted);
}

static int copy_link(struct copying *copying, int from, int to,
                     struct cenv_package_file *entry)
{
    struct cenv_buf target;
    const char *name = cenv_path_base(entry->path).data;
    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(from, name, &target, &copying->bad);
    if (rc == 0)
        rc = cenv_fs_symlink(target.data, to, name, &copying->bad);
    entry->link = cenv_buf_str(&target);
    if (rc == 0 && !cenv_package_manifest_add(&copying->manifest, entry))
        rc = cenv_error_oom(&copying->bad);
    cenv_buf_release(&target);
    return rc;
}

/* `path` has a NUL behind it. */
static int copy_path(struct copying *copying, struct cenv_str path,
                     struct cenv_str wanted)
{
    struct cenv_stat st;
    struct cenv_str name;
    int from = cenv_dirs_parent(&copying->from, path, 0, &name);
    int to = from < 0 ? from : cenv_dirs_parent(&copying->to, path, 0755, &name);
    int seen = to < 0 ? to : cenv_raw_stat(from, name.data, &st);
    if (seen < 0)
        return seen == -ENOMEM ? cenv_error_oom(&copying->bad) : NO_FIT;
    int rc = 0;
    struct cenv_package_file entry = {.path = path, .type = st.type};
    if (st.type == CENV_FT_SYMLINK)
        return copy_link(copying, from, to, &entry);
    if (st.type == CENV_FT_DIR)
        cenv_raw_mkdir(to, name.data, 0755); /* there already when files lie in it */
    else if (st.type == CENV_FT_FILE)
        rc = copy_file(copying, from, to, &entry, &st, wanted);
    else
        return NO_FIT;
    if (rc == 0 && !cenv_package_manifest_add(&copying->manifest, &entry))
        rc = cenv_error_oom(&copying->bad);
    return rc;
}

static int copy_info(void *ctx, const struct cenv_walk_entry *at,
                     struct cenv_error *err)
{
    struct copying *copying = ctx;
    struct cenv_buf path;
    if (at->entry.type == CENV_FT_DIR ||
        cenv_str_is(at->path, "repodata_record.json")) /* ours is beside the content */
        return 0;
    cenv_buf_init(&path, 1 << 20);
    int rc = 0;
    if (!cenv_buf_addf(&path, "info/%s", at->path.data))
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = copy_path(copying, cenv_buf_str(&path), CENV_STR(""));
    cenv_buf_release(&path);
    /* A walk has its own meaning for positive numbers. */
    return rc == NO_FIT ? cenv_error_set(err, CENV_EFAIL, "unfit") : rc;
}

static bool is_info(struct cenv_str path)
{
    return cenv_str_starts(path, CENV_STR("info/"));
}

/* A regular file without a hash does not fit: nothing vouches for it. */
static int copy_listed(struct copying *copying, const struct cenv_paths_json *info)
{
    int rc = 0;
    for (size_t i = 0; i < info->nr && rc == 0; i++) {
        const struct cenv_package_path *path = &info->paths[i];
        if (is_info(path->path))
            continue;
        if (path->type == CENV_PATH_HARDLINK && !path->sha256.len)
            return NO_FIT;
        bool hashed = path->type == CENV_PATH_HARDLINK;
        rc = copy_path(copying, path->path, hashed ? path->sha256 : CENV_STR(""));
    }
    return rc;
}

static int copy_content(struct copying *copying, int source)
{
    struct cenv_paths_json info;
    int dir = cenv_fs_open_dir(source, "info", &copying->bad);
    if (dir < 0)
        return dir;
    int rc = cenv_fs_walk(dir, true, copy_info, copying, copying->task, &copying->bad);
    cenv_fd_close(dir);
    if (rc == 0)
        rc = cenv_paths_json_parse(&info, copying->content, "package", &copying->bad);
    if (rc < 0)
        return rc;
    /* Without a list there may be files all the same: only info/ was copied so far. */
    int listed = info.paths_doc
                     ? 1
                     : cenv_fs_exists(copying->content, "info/files", &copying->bad);
    rc = listed == 0 ? NO_FIT : listed;
    if (listed == 1)
        rc = copy_listed(copying, &info);
    cenv_paths_json_release(&info);
    return rc;
}

static int copy_package(struct copying *copying, int source)
{
    copying->content =
        cenv_fs_mkdir_open(copying->entry, CENV_PKG_CONTENT, 0755, &copying->bad);
    if (copying->content < 0)
        return copying->content;
    if (!cenv_file_hash_init(&copying->hash, CENV_SHA256))
        return cenv_error_oom(&copying->bad);
    cenv_dirs_init(&copying->from, source);
    cenv_dirs_init(&copying->to, copying->content);
    int rc = copy_content(copying, source);
    cenv_dirs_release(&copying->from);
    cenv_dirs_release(&copying->to);
    if (rc == 0)
        rc = cenv_package_manifest_write(&copying->manifest, copying->entry,
                                         CENV_PKG_MANIFEST, &copying->bad);
    return rc;
}

static int try_extracted(void *ctx, int dir, const char *place, const char *name,
                         struct cenv_error *err)
{
    struct copying *copying = ctx;
    (void)place;
    int source = cenv_raw_open_dir(dir, name);
    if (source < 0)
        return NO_FIT;
    copying->content = -1;
    copying->bad = (struct cenv_error)CENV_ERROR_INIT;
    cenv_package_manifest_init(&copying->manifest);
    int rc = check_documents(copying, source);
    if (rc == 0)
        rc = copy_package(copying, source);
    cenv_file_hash_release(&copying->hash);
    cenv_package_manifest_release(&copying->manifest);
    cenv_fd_close(copying->content);
    cenv_fd_close(source);
    rc = or_no_fit(rc, &copying->bad, err);
    if (rc == 0)
        return 0;
    int cleared = cenv_fs_remove_content(copying->entry, err);
    if (rc == NO_FIT && cleared < 0)
        rc = cleared;
    return rc;
}

int cenv_pkgs_dirs_copy_package(const char *pkgs_dir,
                                const struct cenv_pkgs_dirs_want *want, int entry_fd,
                                struct cenv_task *task, struct cenv_error *err)
{
    struct copying ctx = {.want = want, .entry = entry_fd, .task = task};
    int rc = search_places(pkgs_dir, want, stem_of(want->fn), try_extracted, &ctx, err);
    return rc < 0 ? rc : rc == 0;
}
