/* SPDX-License-Identifier: BSD-3-Clause */
/* One package for a user: extracted into a directory, or only described. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "cenv.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/fs_rename.h"
#include "os/fs_where.h"
#include "os/host.h"
#include "os/path.h"
#include "os/sibling.h"
#include "package/extract.h"

enum { INDEX_MAX = 16 << 20 };

static struct cenv_package_source source_of(const char *package, int fd)
{
    struct cenv_package_source source = {.name = cenv_path_base(cenv_str(package)).data,
                                         .fd = fd};

    return source;
}

/* ---- cenv_extract ---- */

/* A sibling of `dest`, then renamed over it. */
struct new_dir {
    char *path; /* dest, absolute */
    const char *name;
    char *temp;
    int parent, fd;
    bool replaces; /* an empty directory is there */
    bool hurried;  /* what cannot be removed at once is left to a sweep */
    unsigned mode; /* that it will have */
};

static int refuse_dest(const char *path, const char *why, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EPREFIX, "cannot extract to '%s': %s", path, why);
    return cenv_error_hint(err,
                           "give a directory that does not exist, or an empty one");
}

static int check_dest(struct new_dir *dir, struct cenv_error *err)
{
    struct cenv_stat st;

    int raw = cenv_raw_stat(dir->parent, dir->name, &st);

    if (raw == -ENOENT)
        return 0;
    if (raw < 0)
        return cenv_fs_fail(err, raw, dir->parent, dir->name, "cannot look at");
    if (st.type != CENV_FT_DIR)
        return refuse_dest(dir->path, "it exists and is no directory", err);
    int fd = cenv_fs_open_dir(dir->parent, dir->name, err);
    if (fd < 0)
        return fd;
    int empty = cenv_raw_is_empty_dir(fd);
    cenv_fd_close(fd);
    if (empty < 0)
        return cenv_fs_fail(err, empty, dir->parent, dir->name, "cannot look into");
    dir->mode = st.mode;
    dir->replaces = true;
    return empty ? 0 : refuse_dest(dir->path, "it is not empty", err);
}

static int open_parent(struct new_dir *dir, const char *dest, struct cenv_error *err)
{
    struct cenv_buf parent;

    dir->path = cenv_fs_abspath(dest, err);
    if (!dir->path)
        return err->status;
    dir->name = cenv_path_base(cenv_str(dir->path)).data;
    cenv_buf_init(&parent, 1 << 20);
    cenv_buf_add_str(&parent, cenv_path_parent(cenv_str(dir->path)));
    dir->parent =
        parent.failed ? cenv_error_oom(err) : cenv_fs_open_root(parent.data, err);
    cenv_buf_release(&parent);
    return dir->parent < 0 ? dir->parent : 0;
}

/* Made as mkdir would make `dest`, which tells the mode that it will have. */
static int make_sibling(struct new_dir *dir, struct cenv_error *err)
{
    struct cenv_stat st;
    char *temp = cenv_sibling_name(dir->name);

    if (!temp)
        return cenv_error_oom(err);
    int raw = dir->fd = cenv_raw_make_sibling(dir->parent, temp, 0777);
    if (raw < 0) {
        cenv_free(temp);
        return cenv_fs_fail(err, raw, dir->parent, dir->name, "cannot make");
    }
    dir->temp = temp;
    raw = cenv_raw_stat_fd(dir->fd, &st);
    if (raw == 0)
        raw = cenv_raw_chmod_fd(dir->fd, 0700);
    if (raw < 0)
        return cenv_fs_fail(err, raw, dir->fd, NULL, "cannot prepare");
    if (!dir->replaces)
        dir->mode = st.mode;
    return 0;
}

/* What killed processes were extracting to the same place goes, whatever comes of this one. */
static int open_place(struct new_dir *dir, const char *dest, struct cenv_error *err)
{
    int rc = open_parent(dir, dest, err);

    if (rc < 0)
        return rc;
    cenv_sibling_sweep(dir->parent, dir->name);
    return check_dest(dir, err);
}

static int commit_new_dir(struct new_dir *dir, struct cenv_error *err)
{
    int raw = cenv_raw_chmod_fd(dir->fd, dir->mode);

    if (raw == 0)
        raw = dir->replaces
                  ? cenv_raw_rename(dir->parent, dir->temp, dir->parent, dir->name)
                  : cenv_raw_rename_noreplace(dir->parent, dir->temp, dir->parent,
                                              dir->name);
    if (raw < 0)
        return cenv_fs_fail(err, raw, dir->parent, dir->name, "cannot make");
    cenv_free(dir->temp);
    dir->temp = NULL;
    return 0;
}

static void discard_temp(struct new_dir *dir)
{
    if (!dir->hurried)
        cenv_fs_discard_tree(dir->parent, dir->temp);
    else if (!cenv_fs_discard_tree_quickly(dir->parent, dir->temp))
        cenv_sibling_give_up(dir->fd);
}

static void close_new_dir(struct new_dir *dir)
{
    if (dir->temp)
        discard_temp(dir);
    cenv_fd_close(dir->fd);
    cenv_fd_close(dir->parent);
    cenv_free(dir->temp);
    cenv_free(dir->path);
}

static int write_report(const char *dest, const struct cenv_package_manifest *manifest,
                        const struct cenv_package_digests *digests,
                        struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    uint64_t files = 0;

    for (size_t i = 0; i < manifest->nr; i++)
        files += manifest->entries[i].type != CENV_FT_DIR;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_cstr(&w, "path", dest);
    cenv_json_write_u64(&w, "files", files);
    cenv_json_write_u64(&w, "bytes", cenv_package_manifest_bytes(manifest));
    cenv_json_write_cstr(&w, "sha256", digests->sha256);
    cenv_json_write_u64(&w, "size", digests->size);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

/* Digests are compared in lower case. */
static int fold_sha256(const char *sha256, char *hex, struct cenv_error *err)
{
    unsigned char raw[CENV_SHA256_LEN];

    hex[0] = '\0';
    if (!sha256)
        return 0;
    if (!cenv_unhex(cenv_str(sha256), raw, sizeof(raw)))
        return cenv_error_set(err, CENV_EUSAGE,
                              "'%.100s' is no SHA-256: 64 hex digits are needed",
                              sha256);
    cenv_hex(raw, sizeof(raw), hex);
    return 0;
}

static int extract_staged(const struct cenv_package_source *source, const char *sha256,
                          struct new_dir *dir, struct cenv_task *task,
                          struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_package_want want = {.sha256 = sha256[0] ? sha256 : NULL};
    struct cenv_package_digests digests;
    struct cenv_package_manifest manifest;
    size_t before = out->len;
    int rc = make_sibling(dir, err);

    cenv_package_manifest_init(&manifest);
    if (rc == 0)
        rc = cenv_extract_into(source, &want, dir->fd, &manifest, &digests, task, err);
    if (rc == 0)
        rc = write_report(dir->path, &manifest, &digests, out, err);
    if (rc == 0)
        rc = commit_new_dir(dir, err);
    if (rc < 0)
        out->len = before;
    cenv_package_manifest_release(&manifest);
    return rc;
}

static int extract_file(const char *package, const char *sha256, struct new_dir *dir,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int fd = cenv_fs_open_named(package, &st, err);

    if (fd < 0)
        return fd;
    cenv_task_progress(task, CENV_STAGE_EXTRACT, st.size);
    struct cenv_package_source source = source_of(package, fd);
    source.ahead = cenv_host_cpus() > 1;
    int rc = extract_staged(&source, sha256, dir, task, out, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_extract(const char *package, const char *dest, const char *sha256,
                 struct cenv_task *task, struct cenv_buf *out, struct cenv_error *err)
{
    struct new_dir dir = {.parent = -1, .fd = -1};
    char hex[CENV_DIGEST_HEX_MAX];
    int rc = fold_sha256(sha256, hex, err);

    if (rc == 0)
        rc = open_place(&dir, dest, err);
    if (rc == 0)
        rc = extract_file(package, hex, &dir, task, out, err);
    dir.hurried = rc == CENV_ECANCELLED;
    close_new_dir(&dir);
    return rc;
}

int cenv_extract_sweep(const char *dest, struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct new_dir dir = {.parent = -1, .fd = -1};
    struct cenv_json_writer w;
    int rc = open_parent(&dir, dest, err);

    (void)task;
    if (rc >= 0) {
        cenv_sibling_sweep(dir.parent, dir.name);
        cenv_json_writer_init(&w, out, 0);
        cenv_json_write_object(&w, NULL);
        cenv_json_write_cstr(&w, "path", dir.path);
        cenv_json_write_end(&w);
        rc = cenv_json_writer_finish(&w, err);
    }
    close_new_dir(&dir);
    return rc < 0 ? rc : 0;
}

/* ---- cenv_package_info ---- */

static int read_member(struct cenv_reader *reader, struct cenv_buf *out,
                       struct cenv_error *err)
{
    const void *data;
    size_t len;
    int rc;

    while ((rc = cenv_reader_data(reader, &data, &len, err)) == 1)
        if (!cenv_buf_add(out, data, len))
            return out->failed == CENV_BUF_FULL
                       ? cenv_error_set(err, CENV_EINTEGRITY,
                                        "its info/index.json is too large")
                       : cenv_error_oom(err);
    return rc;
}

/* Reads members until info/index.json has been seen, appending its text to `out`. */
static int find_index(struct cenv_reader *reader, struct cenv_buf *out,
                      struct cenv_error *err)
{
    struct cenv_member member;
    int rc;

    while ((rc = cenv_reader_next(reader, &member, err)) == 1)
        if (cenv_str_is(member.path, "info/index.json") &&
            member.type == CENV_MEMBER_FILE)
            return read_member(reader, out, err);
    if (rc == 0)
        rc = cenv_error_set(err, CENV_EINTEGRITY, "it has no info/index.json");
    return rc;
}

static int write_info(const struct cenv_json *index,
                      const struct cenv_package_digests *digests, struct cenv_buf *out,
                      struct cenv_error *err)
{
    struct cenv_json_writer w;
    struct cenv_buf text;
    cenv_buf_init(&text, out->max);
    out->failed |= !cenv_json_print(index, 0, &text);
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_raw(&w, "index", cenv_buf_str(&text));
    cenv_json_write_cstr(&w, "sha256", digests->sha256);
    cenv_json_write_cstr(&w, "md5", digests->md5);
    cenv_json_write_u64(&w, "size", digests->size);
    cenv_json_write_end(&w);
    cenv_buf_release(&text);
    return cenv_json_writer_finish(&w, err);
}

static int read_info(struct cenv_reader *reader, struct cenv_buf *out,
                     struct cenv_error *err)
{
    static const struct cenv_package_want anything = {0};
    struct cenv_package_digests digests;
    struct cenv_json *doc = NULL;
    struct cenv_buf text;

    cenv_buf_init(&text, INDEX_MAX);
    int rc = cenv_reader_finish(reader, &anything, find_index(reader, &text, err),
                                &digests, err);
    if (rc == 0)
        rc = cenv_json_parse(&doc, cenv_buf_str(&text), "its info/index.json", err);
    if (rc == 0)
        rc = write_info(doc, &digests, out, err);
    cenv_json_free(doc);
    cenv_buf_release(&text);
    return rc;
}

int cenv_package_info(const char *package, struct cenv_task *task, struct cenv_buf *out,
                      struct cenv_error *err)
{
    struct cenv_package_source source;
    struct cenv_reader *reader = NULL;
    int fd = cenv_fs_open_named(package, NULL, err), rc;

    if (fd < 0)
        return fd;
    source = source_of(package, fd);
    source.md5 = true;
    rc = cenv_reader_open(&reader, &source, task, err);
    if (rc == 0)
        rc = read_info(reader, out, err);
    if (rc == CENV_EINTEGRITY)
        cenv_error_prefix(err, "package %s", source.name);
    cenv_reader_free(reader);
    cenv_fd_close(fd);
    return rc;
}
