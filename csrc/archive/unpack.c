/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacking one template of an archive: see unpack.h. */
#include "archive/unpack.h"

#include <errno.h>

#include "archive/archive.h"
#include "archive/archive_contents.h"
#include "archive/archive_reader.h"
#include "archive/record_paths.h"
#include "base/arena.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/path.h"
#include "os/raw_copy.h"
#include "os/raw_data.h"
#include "prefix/file_hash.h"

enum { DIR_MODE = 0700, PATH_BYTES_MAX = 1 << 16 };

/* Directories get their mode when nothing more comes into them. */
struct made_dir {
    struct made_dir *next;
    struct cenv_str path;
    unsigned mode;
};

struct unpacker {
    struct cenv_unpack *asked;
    struct cenv_archive_reader *reader;
    struct cenv_task *task;
    struct cenv_error *err;
    int root;
    struct cenv_dirs dirs, link_dirs;
    unsigned earlier; /* 1 + the number of the template whose prefix is open */
    int earlier_root;
    struct cenv_dirs earlier_dirs;
    struct cenv_file_hash hash;
    struct cenv_archive_sum sum;
    struct cenv_arena arena;
    struct made_dir *made; /* the last one first */
};

/* ---- records ---- */

/* A record installed here would name this store's packages. */
static int write_record(struct unpacker *u, int fd, struct cenv_str text)
{
    struct cenv_record_paths paths = {u->asked->from, u->asked->store_path};
    struct cenv_buf changed;
    int rc = 0;
    cenv_buf_init(&changed, CENV_ARCHIVE_TEXT_MAX);
    if (!cenv_record_paths_replace(&paths, text, &changed)) {
        rc = cenv_error_oom(u->err);
    } else {
        int failed = cenv_raw_write(fd, changed.data, changed.len);
        if (failed < 0)
            rc = cenv_fs_fail(u->err, failed, fd, NULL, "cannot write");
    }
    cenv_buf_release(&changed);
    return rc;
}

/* ---- members ---- */

/* The member in hand, at `path`. */
static int refuse_place(struct unpacker *u, int failed, struct cenv_str path)
{
    if (failed == -ENOTDIR || failed == -ELOOP || failed == -EEXIST)
        return cenv_archive_reader_refuse_member(u->reader,
                                                 "lies where another member is");
    return cenv_fs_fail(u->err, failed, u->root, path.data, "cannot unpack");
}

static int make_dir(struct unpacker *u, struct cenv_str path)
{
    struct made_dir *made = cenv_arena_calloc(&u->arena, 1, sizeof(*made));
    int fd = cenv_dirs_get(&u->dirs, path, DIR_MODE);
    if (fd < 0)
        return refuse_place(u, fd, path);
    if (made)
        made->path = cenv_arena_str(&u->arena, path);
    if (!made || !made->path.data)
        return cenv_error_oom(u->err);
    made->mode = u->reader->member.mode & 01777;
    made->next = u->made;
    u->made = made;
    return 0;
}

/* A piece of the file's content: into `fd`, or where `whole` is given into that. */
static int copy_piece(struct unpacker *u, const void *data, size_t len, int fd,
                      struct cenv_buf *whole)
{
    int rc = cenv_archive_sum_content(&u->sum, data, len, u->err);
    if (rc < 0)
        return rc;
    if (whole && !cenv_buf_add(whole, data, len))
        return whole->failed == CENV_BUF_FULL
                   ? cenv_archive_reader_refuse_member(u->reader, "is too large")
                   : cenv_error_oom(u->err);
    int failed = whole ? 0 : cenv_raw_write(fd, data, len);
    if (failed < 0)
        return cenv_fs_fail(u->err, failed, fd, NULL, "cannot write");
    return cenv_task_poll(u->task, u->err);
}

static int copy_data(struct unpacker *u, int fd, struct cenv_buf *whole)
{
    const void *data;
    size_t len;
    int rc;
    while ((rc = cenv_tar_data(u->reader->tar, &data, &len, u->err)) == 1) {
        rc = copy_piece(u, data, len, fd, whole);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int copy_record(struct unpacker *u, int fd)
{
    struct cenv_buf text;
    cenv_buf_init(&text, (size_t)u->reader->limits.text);
    int rc = copy_data(u, fd, &text);
    if (rc == 0)
        rc = write_record(u, fd, cenv_buf_str(&text));
    cenv_buf_release(&text);
    return rc;
}

/* ---- contents that the archive has once ---- */

static void close_earlier(struct unpacker *u)
{
    if (!u->earlier)
        return;
    cenv_dirs_release(&u->earlier_dirs);
    cenv_fd_close(u->earlier_root);
    u->earlier = 0;
}

static int refuse_content(const struct cenv_unpack *unpack)
{
    return cenv_archive_reader_refuse(unpack->reader,
                                      "its content is not what was exported");
}

/* The directories of the m-th template, the one in hand or an earlier one; NULL: see the error. */
static struct cenv_dirs *open_template(struct unpacker *u, unsigned m)
{
    if (m == u->asked->n)
        return &u->link_dirs;
    if (m > u->asked->n) {
        cenv_archive_reader_refuse_member(u->reader, "has a content that comes later");
        return NULL;
    }
    if (u->earlier == m + 1)
        return &u->earlier_dirs;
    close_earlier(u);
    int root = u->asked->open_earlier(u->asked->ctx, m, u->err);
    if (root < 0)
        return NULL;
    u->earlier = m + 1;
    u->earlier_root = root;
    cenv_dirs_init(&u->earlier_dirs, root);
    return &u->earlier_dirs;
}

/* The file of that content, a regular one: a descriptor or a status. */
static int open_content(struct unpacker *u, const struct cenv_archive_content *content,
                        struct cenv_stat *st)
{
    struct cenv_str name;
    struct cenv_dirs *dirs = open_template(u, content->n);
    if (!dirs)
        return u->err->status;
    int dir = cenv_dirs_parent(dirs, content->path, 0, &name);
    int fd = dir < 0 ? dir : cenv_raw_open_file(dir, name.data, st);
    if (fd >= 0)
        return fd;
    if (!cenv_raw_is_no_file(fd))
        return cenv_fs_fail(u->err, fd, dirs->root, content->path.data, "cannot open");
    u->asked->short_of = content->n + 1;
    return cenv_archive_reader_refuse_member(
        u->reader, "has the content of a file that is not there");
}

/* Compared where it is now, whatever it was copied from. */
static int compare_content(struct unpacker *u, int out,
                           const struct cenv_archive_content *content)
{
    char hex[CENV_DIGEST_HEX_MAX];
    if (!u->hash.digest && !cenv_file_hash_init(&u->hash, CENV_SHA256))
        return cenv_error_oom(u->err);
    int rc = cenv_file_hash_fd(&u->hash, out, content->path.data, hex, NULL, u->task,
                               u->err);
    if (rc < 0 || cenv_str_is(content->hex, hex))
        return rc;
    u->asked->short_of = content->n + 1;
    return refuse_content(u->asked);
}

/* Into the empty file `out`, of the content to which the member in hand is a link. */
static int copy_content(struct unpacker *u, int out)
{
    struct cenv_archive_content content;
    struct cenv_stat st;
    if (!cenv_archive_content_parse(u->reader->member.link, &content))
        return cenv_archive_reader_refuse_member(
            u->reader, "is a hard link to what lies elsewhere");
    int in = open_content(u, &content, &st);
    if (in < 0)
        return in;
    int rc = 0;
    if (!cenv_limits_take(&u->reader->limits.bytes, st.size))
        rc = cenv_archive_reader_refuse(
            u->reader, "it expands to more than an archive of its size may");
    int failed = rc == 0 ? cenv_raw_copy_data(in, out, st.size, u->task) : 0;
    if (failed < 0)
        rc = cenv_fs_fail(u->err, failed, out, NULL, "cannot write");
    if (rc == 0)
        rc = compare_content(u, out, &content);
    cenv_fd_close(in);
    return rc;
}

/* ---- files and links ---- */

/* Where times are refused, the file keeps that of now: the manifest is of what is there. */
static int set_facts(struct unpacker *u, int fd, struct cenv_str path)
{
    const struct cenv_member *member = &u->reader->member;
    int failed = cenv_raw_chmod_fd(fd, member->mode & 0777);
    if (failed < 0)
        return cenv_fs_fail(u->err, failed, u->root, path.data,
                            "cannot set the mode of");
    cenv_raw_set_mtime_fd(fd, member->mtime_ns);
    return 0;
}

static int make_file(struct unpacker *u, struct cenv_str path)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(&u->dirs, path, DIR_MODE, &name);
    int fd = dir < 0 ? dir : cenv_raw_create(dir, name.data, 0600);
    if (fd < 0)
        return refuse_place(u, fd, path);
    int rc;
    if (u->reader->member.type == CENV_MEMBER_HARDLINK)
        rc = copy_content(u, fd);
    else
        rc = cenv_record_paths_is_record(path) ? copy_record(u, fd)
                                               : copy_data(u, fd, NULL);
    if (rc == 0)
        rc = set_facts(u, fd, path);
    int failed = cenv_raw_close(fd);
    if (rc == 0 && failed < 0)
        rc = refuse_place(u, failed, path);
    return rc;
}

static int make_symlink(struct unpacker *u, struct cenv_str path)
{
    const struct cenv_member *member = &u->reader->member;
    struct cenv_str name;
    int dir = cenv_dirs_parent(&u->dirs, path, DIR_MODE, &name);
    int failed = dir < 0 ? dir : cenv_raw_symlink(member->link.data, dir, name.data);
    if (failed < 0)
        return refuse_place(u, failed, path);
    cenv_raw_set_mtime(dir, name.data, member->mtime_ns);
    return 0;
}

static int make_peer(struct unpacker *u, struct cenv_str path)
{
    struct cenv_str name, old_name;
    struct cenv_str old =
        cenv_archive_below_prefix(u->reader->member.link, u->asked->n);
    if (!old.len)
        return make_file(u, path);
    struct cenv_stat st;
    int from = cenv_dirs_parent(&u->link_dirs, old, 0, &old_name);
    int failed = from < 0 ? from : cenv_raw_stat(from, old_name.data, &st);
    if (failed == -ENOENT)
        return cenv_archive_reader_refuse_member(u->reader,
                                                 "is a hard link to what is not there");
    if (failed < 0)
        return refuse_place(u, failed, old);
    if (st.type != CENV_FT_FILE)
        return cenv_archive_reader_refuse_member(u->reader,
                                                 "is a hard link to what is no file");
    int to = cenv_dirs_parent(&u->dirs, path, DIR_MODE, &name);
    failed = to < 0 ? to : cenv_raw_link(from, old_name.data, to, name.data);
    return failed < 0 ? refuse_place(u, failed, path) : 0;
}

static int unpack_member(struct unpacker *u)
{
    const struct cenv_member *member = &u->reader->member;
    struct cenv_str path = cenv_archive_below_prefix(member->path, u->asked->n);
    if (!path.data || (!path.len && member->type != CENV_MEMBER_DIR))
        return cenv_archive_reader_refuse_member(u->reader, "lies outside the prefix");
    int rc = cenv_archive_sum_member(&u->sum, member, u->err);
    if (rc < 0)
        return rc;
    switch (member->type) {
    case CENV_MEMBER_DIR:
        return make_dir(u, path);
    case CENV_MEMBER_SYMLINK:
        return make_symlink(u, path);
    case CENV_MEMBER_HARDLINK:
        return make_peer(u, path);
    default:
        return make_file(u, path);
    }
}

/* Reads end.json, and compares the head with it. The caller frees *end, after a failure too. */
static int read_end(const struct cenv_unpack *unpack, struct cenv_json **end)
{
    char hex[CENV_DIGEST_HEX_MAX];
    int rc = cenv_archive_reader_text(unpack->reader, "its end.json", end, hex);
    const struct cenv_json *head = rc == 0 ? cenv_json_get(*end, "head") : NULL;
    if (head && !cenv_str_is(cenv_json_str(head), unpack->head))
        rc = refuse_content(unpack);
    return rc;
}

static int check_end(struct unpacker *u)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_json *end = NULL;
    int rc = read_end(u->asked, &end);
    if (rc == 0)
        rc = cenv_archive_sum_finish(&u->sum, hex, u->err);
    if (rc == 0 && (!cenv_str_is(cenv_json_get_str(end, "sha256"), hex) ||
                    cenv_json_get_int(end, "members", -1) != (int64_t)u->sum.members))
        rc = refuse_content(u->asked);
    cenv_json_free(end);
    return rc;
}

static int set_modes(struct unpacker *u)
{
    for (const struct made_dir *dir = u->made; dir; dir = dir->next) {
        int fd = cenv_raw_open_beneath(u->root, dir->path, 0);
        int failed = fd < 0 ? fd : cenv_raw_chmod_fd(fd, dir->mode);
        cenv_fd_close(fd);
        if (failed < 0)
            return cenv_fs_fail(u->err, failed, u->root, dir->path.data,
                                "cannot prepare");
    }
    return 0;
}

/* 1 while there are members before end.json, 0 when that is in hand, or a status. */
static int next_member(const struct cenv_unpack *unpack)
{
    struct cenv_archive_reader *reader = unpack->reader;
    int rc = cenv_archive_reader_next(reader);
    if (rc == 0)
        rc = cenv_archive_reader_refuse(reader, "it ends in the middle of a template");
    if (rc == 1 && cenv_archive_is(reader->member.path, unpack->n, CENV_ARCHIVE_END))
        rc = 0;
    return rc;
}

static int unpack_all(struct unpacker *u)
{
    int rc;
    while ((rc = next_member(u->asked)) == 1) {
        uint64_t made = u->dirs.made;
        rc = unpack_member(u);
        if (rc == 0)
            rc = cenv_archive_reader_count(u->reader, u->dirs.made - made);
        if (rc < 0)
            break;
    }
    if (rc == 0)
        rc = check_end(u);
    if (rc == 0)
        rc = set_modes(u);
    return rc;
}

int cenv_unpack_members(struct cenv_unpack *unpack, int dir)
{
    struct cenv_archive_reader *reader = unpack->reader;
    struct unpacker u = {.asked = unpack,
                         .reader = reader,
                         .task = reader->task,
                         .err = reader->err,
                         .root = dir};
    int rc = cenv_archive_sum_init(&u.sum, u.err);
    if (rc < 0)
        return rc;
    cenv_dirs_init(&u.dirs, dir);
    cenv_dirs_init(&u.link_dirs, dir);
    rc = unpack_all(&u);
    cenv_dirs_release(&u.dirs);
    cenv_dirs_release(&u.link_dirs);
    close_earlier(&u);
    cenv_file_hash_release(&u.hash);
    cenv_archive_sum_release(&u.sum);
    cenv_arena_release(&u.arena);
    return rc;
}

int cenv_unpack_nothing(const struct cenv_unpack *unpack)
{
    struct cenv_json *end = NULL;
    int rc;
    while ((rc = next_member(unpack)) == 1)
        ;
    if (rc == 0)
        rc = read_end(unpack, &end);
    cenv_json_free(end);
    return rc;
}
