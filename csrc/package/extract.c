/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extraction. A file costs openat, write, futimens and close, relative to the descriptor of its
 * directory, which stays open while members of it come; its bytes are hashed while they are in the
 * cache, so that no file is read again to verify it. Small files are written and hashed by a thread
 * of their own (small_files.h). Nothing is ever followed: a link in place of a
 * directory makes the open fail.
 */
#include "package/extract.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/map.h"
#include "codec/json.h"
#include "model/record.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/path.h"
#include "package/info_file.h"
#include "package/paths_json.h"
#include "package/small_files.h"

enum { INDEX_MAX = 16 << 20, READABLE = 0400 };

struct extract {
    struct cenv_reader *reader;
    int dest;
    struct cenv_dirs dirs, link_dirs;
    struct cenv_package_manifest *manifest;
    struct cenv_map seen; /* path -> index in the manifest */
    struct cenv_digest *sha256;
    struct cenv_small_files *small; /* or NULL */
    unsigned mask;                  /* what the umask takes away */
    struct cenv_task *task;
    struct cenv_error *err;
};

static int refuse_member(struct extract *x, struct cenv_str path, const char *why)
{
    struct cenv_buf shown;

    cenv_buf_init(&shown, 4096);
    cenv_json_quote(&shown, cenv_str_slice(path, 0, 300));
    cenv_error_set(x->err, CENV_EINTEGRITY, "its member %s %s",
                   shown.data ? shown.data : "?", why);
    cenv_buf_release(&shown);
    return CENV_EINTEGRITY;
}

static const struct cenv_package_file *find_seen(const struct extract *x,
                                                 struct cenv_str path)
{
    uint32_t at = cenv_map_get(&x->seen, path);

    return at == CENV_NONE ? NULL : &x->manifest->entries[at];
}

static int remember_file(struct extract *x, const struct cenv_package_file *entry)
{
    size_t at = x->manifest->nr;

    if (!cenv_package_manifest_add(x->manifest, entry) ||
        !cenv_map_put(&x->seen, x->manifest->entries[at].path, (uint32_t)at))
        return cenv_error_oom(x->err);
    return 0;
}

/* Until then the digests of small files are not known, nor whether they could be written. */
static int settle_files(struct extract *x)
{
    return x->small ? cenv_small_files_settle(x->small, x->err) : 0;
}

/* ---- directories ---- */

/* A failed open below `dest`: a link or file in the way is the package's fault. */
static int fail_write(struct extract *x, struct cenv_str path, int raw)
{
    if (raw == -ENOTDIR || raw == -ELOOP)
        return refuse_member(x, path, "lies below a link or file of the package");
    if (raw == -EEXIST)
        return refuse_member(
            x, path, "has the name of another member, as this file system sees it");
    return cenv_fs_fail(x->err, raw, x->dest, path.data, "cannot write");
}

static int make_dir(struct extract *x, const struct cenv_member *member)
{
    const struct cenv_package_file *old = find_seen(x, member->path);
    struct cenv_package_file entry = {
        .path = member->path, .type = CENV_FT_DIR, .mode = 0777 & ~x->mask};

    if (old && old->type == CENV_FT_DIR)
        return 0;
    if (old)
        return refuse_member(x, member->path, "is there twice");
    int raw = cenv_dirs_get(&x->dirs, member->path, 0777);
    if (raw < 0)
        return fail_write(x, member->path, raw);
    return remember_file(x, &entry);
}

/* ---- files ---- */

/* Hashes the member's data, and writes it to `fd` (unless -1). */
static int copy_data(struct extract *x, int fd, struct cenv_package_file *entry)
{
    const void *data;
    size_t len;
    bool hashed = cenv_digest_reset(x->sha256);
    int rc;

    while ((rc = cenv_reader_data(x->reader, &data, &len, x->err)) == 1) {
        hashed &= cenv_digest_update(x->sha256, data, len);
        int raw = fd < 0 ? 0 : cenv_raw_write(fd, data, len);
        if (raw < 0)
            return fail_write(x, entry->path, raw);
        rc = cenv_task_poll(x->task, x->err);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && !(hashed && cenv_digest_final(x->sha256, entry->sha256)))
        rc = cenv_error_set(x->err, CENV_EFAIL, "cannot compute a digest");
    return rc;
}

/* The same file again is harmless when it is the same bytes. */
static int compare_again(struct extract *x, const struct cenv_package_file *old,
                         const struct cenv_member *member)
{
    struct cenv_package_file again = {.path = member->path};

    if (old->type != CENV_FT_FILE || old->size != member->size)
        return refuse_member(x, member->path, "is there twice, and differs");
    int rc = settle_files(x);
    if (rc == 0)
        rc = copy_data(x, -1, &again);
    if (rc == 0 && memcmp(again.sha256, old->sha256, sizeof(old->sha256)) != 0)
        rc = refuse_member(x, member->path, "is there twice, and differs");
    return rc;
}

/* The files of info/ itself, most of which are read whole by somebody. */
static bool is_document(struct cenv_str path)
{
    return cenv_str_eq(cenv_path_parent(path), CENV_STR("info"));
}

/* A new file, or -errno. */
static int create_file(struct extract *x, const struct cenv_member *member)
{
    struct cenv_str name;
    int fd = cenv_dirs_parent(&x->dirs, member->path, 0777, &name);

    return fd < 0 ? fd
                  : cenv_raw_create(fd, name.data, (member->mode & 0777) | READABLE);
}

/* The same for a time when small files may hold all descriptors that there are. */
static int create_beside_small(struct extract *x, const struct cenv_member *member)
{
    int fd = create_file(x, member);

    if ((fd == -EMFILE || fd == -ENFILE) && x->small && settle_files(x) == 0)
        fd = create_file(x, member);
    return fd < 0 ? fail_write(x, member->path, fd) : fd;
}

static int write_large(struct extract *x, const struct cenv_member *member,
                       struct cenv_package_file *entry)
{
    int fd = create_beside_small(x, member);

    if (fd < 0)
        return fd;
    int rc = copy_data(x, fd, entry);
    if (rc == 0) /* best effort: some file systems refuse */
        cenv_raw_set_mtime_fd(fd, member->mtime_ns);
    int raw = cenv_raw_close(fd);
    if (rc == 0 && raw < 0)
        rc = fail_write(x, member->path, raw);
    if (rc == 0)
        rc = remember_file(x, entry);
    return rc;
}

static int write_small(struct extract *x, const struct cenv_member *member,
                       const struct cenv_package_file *entry)
{
    char *room = cenv_small_files_room(x->small, (size_t)member->size);
    int fd = room ? create_beside_small(x, member) : settle_files(x);
    const void *data;
    size_t len;

    if (fd < 0)
        return fd;
    int rc;
    while ((rc = cenv_reader_data(x->reader, &data, &len, x->err)) == 1) {
        memcpy(room, data, len);
        room += len;
    }
    if (rc == 0)
        rc = remember_file(x, entry);
    if (rc == 0)
        cenv_small_files_put(x->small, fd);
    else
        cenv_fd_close(fd);
    return rc;
}

static int write_member(struct extract *x, const struct cenv_member *member)
{
    const struct cenv_package_file *old = find_seen(x, member->path);
    struct cenv_package_file entry = {.path = member->path,
                                      .type = CENV_FT_FILE,
                                      .mode =
                                          ((member->mode & 0777) | READABLE) & ~x->mask,
                                      .size = member->size,
                                      .mtime_ns = member->mtime_ns};

    if (is_document(member->path) && member->size > cenv_reader_limits(x->reader)->text)
        return refuse_member(x, member->path,
                             "is larger than a package of this size may have it");
    if (old)
        return compare_again(x, old, member);
    return x->small && member->size <= CENV_SMALL_FILE_MAX
               ? write_small(x, member, &entry)
               : write_large(x, member, &entry);
}

/* ---- links ---- */

static int make_symlink(struct extract *x, const struct cenv_member *member)
{
    const struct cenv_package_file *old = find_seen(x, member->path);
    struct cenv_package_file entry = {.path = member->path,
                                      .link = member->link,
                                      .type = CENV_FT_SYMLINK,
                                      .mode = 0777};
    struct cenv_str name;

    if (old && old->type == CENV_FT_SYMLINK && cenv_str_eq(old->link, member->link))
        return 0;
    if (old)
        return refuse_member(x, member->path, "is there twice, and differs");
    int raw = cenv_dirs_parent(&x->dirs, member->path, 0777, &name);
    if (raw >= 0)
        raw = cenv_raw_symlink(member->link.data, raw, name.data);
    if (raw < 0)
        return fail_write(x, member->path, raw);
    return remember_file(x, &entry);
}

static int make_hardlink(struct extract *x, const struct cenv_member *member)
{
    const struct cenv_package_file *target = find_seen(x, member->link);
    struct cenv_package_file entry;
    struct cenv_str from_name, name;
    enum cenv_place_mode got;
    int from, to, raw;

    if (!target || target->type != CENV_FT_FILE)
        return refuse_member(
            x, member->path,
            "is a hard link to what is no earlier file of the package");
    if (find_seen(x, member->path))
        return refuse_member(x, member->path, "is there twice");
    int rc = settle_files(x);
    if (rc < 0)
        return rc;
    entry = *target;
    entry.path = member->path;
    from = cenv_dirs_parent(&x->link_dirs, target->path, 0, &from_name);
    to = cenv_dirs_parent(&x->dirs, member->path, 0777, &name);
    raw = from < 0 ? from : to;
    if (raw >= 0)
        raw = cenv_raw_place(from, from_name.data, NULL, to, name.data,
                             CENV_PLACE_HARDLINK, true, &got, x->task);
    if (raw < 0)
        return fail_write(x, member->path, raw);
    return remember_file(x, &entry);
}

/* ---- members ---- */

static bool is_below(struct cenv_str path, const char *directory)
{
    struct cenv_str head = cenv_str(directory);

    return cenv_str_starts(path, head) &&
           (path.len == head.len || path.data[head.len] == '/');
}

static int extract_member(struct extract *x, const struct cenv_member *member)
{
    if (cenv_str_is(member->path, "info/repodata_record.json"))
        return 0;
    if (is_below(member->path, "conda-meta"))
        return refuse_member(x, member->path, "is the installer's to write (CEP 34)");
    switch (member->type) {
    case CENV_MEMBER_DIR:
        return make_dir(x, member);
    case CENV_MEMBER_SYMLINK:
        return make_symlink(x, member);
    case CENV_MEMBER_HARDLINK:
        return make_hardlink(x, member);
    default:
        return write_member(x, member);
    }
}

/* Directories that no member names count as members do: a path implies thousands. */
static int count_dirs(struct extract *x, struct cenv_str path, uint64_t nr)
{
    return cenv_limits_take(&cenv_reader_limits(x->reader)->entries, nr)
               ? 0
               : refuse_member(x, path,
                               "needs more directories than a package of this size "
                               "may have");
}

static int extract_all(struct extract *x)
{
    struct cenv_member member;
    int rc;

    while ((rc = cenv_reader_next(x->reader, &member, x->err)) == 1) {
        uint64_t made = x->dirs.made;
        rc = cenv_task_poll(x->task, x->err);
        if (rc == 0)
            rc = extract_member(x, &member);
        if (rc == 0)
            rc = count_dirs(x, member.path, x->dirs.made - made);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* What the umask takes away, found by trying: asking for it would mean to change it. */
static int find_mask(struct extract *x)
{
    static const char probe[] = ".cenv-mode";
    struct cenv_stat st;
    int fd = cenv_raw_create(x->dest, probe, 0777), raw;

    if (fd < 0)
        return fail_write(x, cenv_str(probe), fd);
    raw = cenv_raw_stat_fd(fd, &st);
    cenv_fd_close(fd);
    if (raw == 0)
        raw = cenv_raw_unlink(x->dest, probe);
    if (raw < 0)
        return fail_write(x, cenv_str(probe), raw);
    x->mask = 0777 & ~st.mode;
    return 0;
}

/* ---- checks ---- */

static int read_index(struct extract *x, struct cenv_json **out)
{
    struct cenv_buf text;
    int info = cenv_raw_open_dir(x->dest, "info");
    int rc = 0;

    if (info >= 0)
        rc = cenv_info_file_find(info, "index.json", x->err);
    else if (!cenv_raw_is_absent(info))
        rc = cenv_fs_fail(x->err, info, x->dest, "info", "cannot open directory");

    cenv_buf_init(&text, INDEX_MAX);
    if (rc == 0)
        rc = cenv_error_set(x->err, CENV_EINTEGRITY, "it has no info/index.json");
    else if (rc == 1)
        rc = cenv_fs_read_file(info, "index.json", &text, x->err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), "its info/index.json", x->err);
    cenv_buf_release(&text);
    cenv_fd_close(info);
    return rc;
}

/* Each becomes part of a path. */
static int check_parts(struct extract *x, const struct cenv_json *doc)
{
    static const char *const keys[] = {"name", "version", "build"};
    const char *why = NULL;

    for (size_t i = 0; i < 3 && !why; i++) {
        why = cenv_record_refuse_part(cenv_json_get_str(doc, keys[i]),
                                      CENV_RECORD_PART_MAX);
        if (why)
            cenv_error_set(x->err, CENV_EINTEGRITY, "the %s in its info/index.json %s",
                           keys[i], why);
    }
    return why ? CENV_EINTEGRITY : 0;
}

/* info/index.json has the name that the inner archives of a .conda carry. */
static int check_index(struct extract *x)
{
    const char *stem = cenv_reader_stem(x->reader);
    struct cenv_json *doc = NULL;
    char own[1024];
    int rc = read_index(x, &doc);

    if (rc == 0)
        rc = check_parts(x, doc);
    if (rc == 0) {
        const char *name = cenv_json_get_cstr(doc, "name");
        const char *version = cenv_json_get_cstr(doc, "version");
        const char *build = cenv_json_get_cstr(doc, "build");
        snprintf(own, sizeof(own), "%s-%s-%s", name ? name : "", version ? version : "",
                 build ? build : "");
        if (!name || !version || !build || (stem[0] && strcmp(stem, own) != 0))
            rc = cenv_error_set(
                x->err, CENV_EINTEGRITY,
                "its info/index.json says it is '%.200s', its archives '%.200s'", own,
                stem);
    }
    cenv_json_free(doc);
    return rc;
}

static enum cenv_file_type type_of(const struct cenv_package_path *path,
                                   const struct cenv_package_file *entry)
{
    /* the older lists tell no type, and paths.json may call a link a file (as conda takes it) */
    if (path->type == CENV_PATH_OTHER ||
        (path->type == CENV_PATH_HARDLINK && entry->type == CENV_FT_SYMLINK))
        return entry->type;
    return path->type == CENV_PATH_HARDLINK   ? CENV_FT_FILE
           : path->type == CENV_PATH_SOFTLINK ? CENV_FT_SYMLINK
                                              : CENV_FT_DIR;
}

static int check_path(struct extract *x, const struct cenv_package_path *path)
{
    const struct cenv_package_file *entry = find_seen(x, path->path);
    unsigned char want[CENV_SHA256_LEN];

    if (!entry && path->type == CENV_PATH_DIRECTORY) /* made when it is linked */
        return count_dirs(x, path->path, cenv_path_depth(path->path));
    if (!entry)
        return refuse_member(x, path->path,
                             "is missing, though info/paths.json lists it");
    if (entry->type != type_of(path, entry))
        return refuse_member(x, path->path,
                             "is of another type than info/paths.json says");
    if (entry->type != CENV_FT_FILE)
        return 0;
    if (path->size != UINT64_MAX && path->size != entry->size)
        return refuse_member(x, path->path,
                             "has another size than info/paths.json says");
    if (path->sha256.len && (!cenv_unhex(path->sha256, want, sizeof(want)) ||
                             memcmp(want, entry->sha256, sizeof(want))))
        return refuse_member(x, path->path,
                             "has another SHA-256 than info/paths.json says");
    return 0;
}

/* Every file outside info/ is listed. */
static int check_extra(struct extract *x, const struct cenv_paths_json *info)
{
    struct cenv_map listed = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < info->nr; i++) {
        if (!cenv_map_put(&listed, info->paths[i].path, 0))
            rc = cenv_error_oom(x->err);
    }
    for (size_t i = 0; rc == 0 && i < x->manifest->nr; i++) {
        const struct cenv_package_file *entry = &x->manifest->entries[i];
        if (entry->type != CENV_FT_DIR && !is_below(entry->path, "info") &&
            cenv_map_get(&listed, entry->path) == CENV_NONE)
            rc = refuse_member(x, entry->path, "is not listed in info/paths.json");
    }
    cenv_map_release(&listed);
    return rc;
}

static int check_paths(struct extract *x, const char *name)
{
    struct cenv_paths_json info = {0};
    int rc = cenv_paths_json_parse(&info, x->dest, name, x->err);

    for (size_t i = 0; rc == 0 && i < info.nr; i++)
        rc = check_path(x, &info.paths[i]);
    if (rc == 0)
        rc = check_extra(x, &info);
    cenv_paths_json_release(&info);
    return rc;
}

/* ---- the whole ---- */

static int extract_package(struct extract *x, const struct cenv_package_source *source,
                           const struct cenv_package_want *want,
                           struct cenv_package_digests *digests)
{
    int rc = cenv_reader_open(&x->reader, source, x->task, x->err);

    if (rc == 0)
        rc = find_mask(x);
    if (rc == 0 && cenv_reader_is_ahead(x->reader))
        rc = cenv_small_files_new(&x->small, x->dest, x->manifest, x->err);
    if (rc == 0) {
        rc = extract_all(x);
        if (rc == 0)
            rc = settle_files(x);
        rc = cenv_reader_finish(x->reader, want, rc, digests, x->err);
    }
    if (rc == 0)
        rc = check_index(x);
    if (rc == 0)
        rc = check_paths(x, source->name);
    return rc;
}

int cenv_extract_into(const struct cenv_package_source *source,
                      const struct cenv_package_want *want, int dest,
                      struct cenv_package_manifest *manifest,
                      struct cenv_package_digests *digests, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_EXTRACT, source->name);
    struct extract x = {.dest = dest, .manifest = manifest, .task = task, .err = err};
    int rc;

    cenv_dirs_init(&x.dirs, dest);
    cenv_dirs_init(&x.link_dirs, dest);
    x.sha256 = cenv_digest_new(CENV_SHA256);
    rc = x.sha256 ? extract_package(&x, source, want, digests) : cenv_error_oom(err);
    if (rc == CENV_EINTEGRITY)
        cenv_error_prefix(err, "package %s", source->name);
    span.items = manifest->nr;
    span.bytes = cenv_package_manifest_bytes(manifest);
    cenv_span_end(task, &span);
    cenv_small_files_free(x.small);
    cenv_map_release(&x.seen);
    cenv_dirs_release(&x.dirs);
    cenv_dirs_release(&x.link_dirs);
    cenv_digest_free(x.sha256);
    cenv_reader_free(x.reader);
    return rc;
}
