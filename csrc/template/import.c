/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading an archive of templates. Each is unpacked into a scratch directory of the store, its sum compared, then
 * cloned (by links: both lie in there) to where it belongs, which relocates it from the prefix of
 * the machine that wrote it, and published by one rename.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hex.h"
#include "cenv.h"
#include "clone/clone_tree.h"
#include "codec/json.h"
#include "codec/options.h"
#include "codec/readahead.h"
#include "manifest/manifest_foreign.h"
#include "model/matchspec_match.h"
#include "model/platform.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/path.h"
#include "solve/request.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/template_entry.h"
#include "template/archive.h"
#include "template/template_id.h"
#include "template/templates.h"

enum { BLOCK = 1 << 17, DIR_MODE = 0700 };

/* What an archive may expand to: as a package (package/reader.h). */
static const uint64_t free_bytes = 256ULL << 20, max_ratio = 1000,
                      max_bytes = 64ULL << 30, max_members = 4000000;

struct import {
    struct cenv_store *store;
    int file;
    uint64_t offset; /* in it */
    char *block;
    struct cenv_decoder *decoder;
    struct cenv_readahead *ahead;
    struct cenv_tar *tar;
    struct cenv_member member; /* in hand */
    struct cenv_arena arena;
    struct cenv_request machine; /* only its virtual packages */
    struct cenv_json *templates; /* of the reply */
    uint64_t members;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* One template on its way in. */
struct unpacking {
    struct import *import;
    unsigned n;
    struct cenv_json *head;
    const struct cenv_json *doc; /* template.json, in `head` */
    const char *id, *from;       /* in `head`; `from`: the prefix its files name */
    struct cenv_scratch scratch;
    int src;
    struct cenv_dirs dirs, link_dirs;
    struct cenv_archive_sum sum;
    struct made_dir *made; /* the last one first */
};

/* Directories get their mode when nothing more comes into them. */
struct made_dir {
    struct made_dir *next;
    struct cenv_str path;
    unsigned mode;
};

static int refuse(struct import *x, const char *why)
{
    return cenv_error_set(x->err, CENV_EINTEGRITY, "%s", why);
}

static int refuse_member(struct import *x, const char *why)
{
    struct cenv_buf shown;
    cenv_buf_init(&shown, 4096);
    cenv_json_quote(&shown, cenv_str_slice(x->member.path, 0, 300));
    cenv_error_set(x->err, CENV_EINTEGRITY, "its member %s %s",
                   shown.data ? shown.data : "?", why);
    cenv_buf_release(&shown);
    return CENV_EINTEGRITY;
}

/* ---- the stream ---- */

static int file_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct import *x = ctx;
    int64_t got = cenv_raw_pread(x->file, x->block, BLOCK, x->offset);
    if (got < 0)
        return cenv_fs_fail(err, (int)got, x->file, NULL, "cannot read");
    x->offset += (uint64_t)got;
    cenv_task_advance(x->task, (uint64_t)got);
    *data = x->block;
    *len = (size_t)got;
    return 0;
}

/* 1 the next member is in hand, 0 the end, or a status. */
static int next(struct import *x)
{
    int rc = cenv_task_poll(x->task, x->err);
    if (rc == 0 && ++x->members > max_members)
        return refuse(x, "it has more members than any environment");
    if (rc == 0)
        rc = cenv_tar_next(x->tar, &x->member, x->err);
    return rc;
}

static int read_text(struct import *x, const char *what, struct cenv_json **out)
{
    struct cenv_buf text;
    const void *data;
    size_t len;
    int rc = 1;
    cenv_buf_init(&text, CENV_ARCHIVE_TEXT_MAX);
    while (rc == 1 && (rc = cenv_tar_data(x->tar, &data, &len, x->err)) == 1) {
        if (cenv_buf_add(&text, data, len) < 0)
            rc = refuse_member(x, "is too large");
    }
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), what, x->err);
    cenv_buf_release(&text);
    return rc;
}

/* ---- what it says it is ---- */

static bool machine_has(const struct import *x, const struct cenv_matchspec *spec)
{
    for (size_t i = 0; i < x->machine.nr_virtuals; i++) {
        const struct cenv_record *have = &x->machine.virtuals[i];
        if (cenv_matchspec_match_nvb(spec, have->name, have->parsed, have->build))
            return true;
    }
    return false;
}

/* Solved for another machine: what its packages want of this one must be here. */
static int check_depend(struct import *x, struct cenv_str text, struct cenv_str name)
{
    struct cenv_matchspec spec;
    struct cenv_error bad = CENV_ERROR_INIT;
    if (!cenv_str_starts(text, CENV_STR("__")))
        return 0;
    int rc = cenv_matchspec_parse(&spec, text, &x->arena, &bad);
    cenv_error_release(&bad);
    if (rc < 0 || machine_has(x, &spec))
        return 0;
    cenv_error_set(x->err, CENV_EPREFIX,
                   "package %.*s in it needs %.*s, which this machine does not have",
                   CENV_STR_ARG(name), CENV_STR_ARG(text));
    return cenv_error_hint(x->err, "build the template on this machine instead");
}

static int check_machine(struct unpacking *u)
{
    struct import *x = u->import;
    const struct cenv_json *records = cenv_json_get(u->doc, "records"), *record, *text;
    const char *subdir = cenv_json_get_cstr(u->head, "subdir");
    if (!subdir || strcmp(subdir, cenv_platform_subdir()) != 0) {
        cenv_error_set(x->err, CENV_EPREFIX, "it is for %s, this machine is %s",
                       subdir ? subdir : "no platform", cenv_platform_subdir());
        return cenv_error_hint(x->err, "export it on a machine of this kind");
    }
    int rc = 0;
    cenv_json_each(record, records)
    {
        cenv_json_each(text, cenv_json_get(record, "depends"))
        {
            if (rc == 0)
                rc = check_depend(x, cenv_json_str(text),
                                  cenv_json_get_str(record, "name"));
        }
    }
    return rc;
}

/* The id says what it is: computed again from the records. */
static int check_id(struct unpacking *u)
{
    struct import *x = u->import;
    struct cenv_buf id;
    const struct cenv_json *records = cenv_json_get(u->doc, "records");
    cenv_buf_init(&id, CENV_DIGEST_HEX_MAX);
    int rc = cenv_json_type(records) == CENV_JSON_ARRAY
                 ? cenv_template_id_of_records(
                       records, cenv_json_get_cstr(u->doc, "key"),
                       cenv_json_get_cstr(u->doc, "base"), &id, x->err)
                 : refuse(x, "it has no records");
    if (rc == 0 && !cenv_str_is(cenv_buf_str(&id), u->id))
        rc = refuse(x, "its records are not those of its template");
    cenv_buf_release(&id);
    return rc;
}

static int read_head(struct unpacking *u)
{
    struct import *x = u->import;
    if (x->member.type != CENV_MEMBER_FILE ||
        !cenv_archive_is(x->member.path, u->n, CENV_ARCHIVE_HEAD))
        return refuse(x, "it is no archive of templates");
    int rc = read_text(x, "its template.json", &u->head);
    if (rc < 0)
        return rc;
    if (cenv_json_get_int(u->head, "format", 0) != CENV_ARCHIVE_FORMAT)
        return refuse(x, "it is of another format than this cenv reads");
    u->doc = cenv_json_get(u->head, "template");
    u->id = cenv_json_get_cstr(u->doc, "id");
    u->from = cenv_json_get_cstr(u->head, "prefix");
    if (!u->id || !u->from || u->from[0] != '/' || !u->from[1])
        return refuse(x, "its template.json is not whole");
    rc = check_id(u);
    if (rc == 0)
        rc = check_machine(u);
    return rc;
}

/* ---- records ---- */

/* Whether it is a record of conda-meta, which tells where the packages' cache was. */
static bool is_record(struct cenv_str path)
{
    return cenv_str_starts(path, CENV_STR("conda-meta/")) &&
           cenv_str_ends(path, CENV_STR(".json"));
}

/* "<store>/pkgs/" of the store that the prefix lay in, or an empty span. */
static struct cenv_str old_packages(const struct unpacking *u, struct cenv_buf *out)
{
    struct cenv_str top = cenv_str(u->from);
    for (int i = 0; i < 3; i++) /* <store>/templates/<id>/prefix */
        top = cenv_path_parent(top);
    cenv_buf_addf(out, "%.*s/pkgs/", CENV_STR_ARG(top));
    return cenv_buf_str(out);
}

/* A record installed here would name this store's packages. */
static int write_record(struct unpacking *u, int fd, struct cenv_str text)
{
    struct import *x = u->import;
    struct cenv_buf old, changed;
    cenv_buf_init(&old, 1 << 16);
    cenv_buf_init(&changed, CENV_ARCHIVE_TEXT_MAX);
    struct cenv_str from = old_packages(u, &old);
    const char *at;
    while (from.len &&
           (at = cenv_find_bytes(text.data, text.len, from.data, from.len))) {
        size_t head = (size_t)(at - text.data);
        cenv_buf_add(&changed, text.data, head);
        cenv_buf_addf(&changed, "%s/pkgs/", x->store->path);
        text = cenv_str_slice(text, head + from.len, text.len);
    }
    cenv_buf_add_str(&changed, text);
    int rc = changed.failed || old.failed
                 ? cenv_error_oom(x->err)
                 : cenv_raw_write(fd, changed.data, changed.len);
    cenv_buf_release(&old);
    cenv_buf_release(&changed);
    return rc >= 0 || x->err->status
               ? rc
               : cenv_fs_fail(x->err, rc, fd, NULL, "cannot write");
}

/* ---- unpacking ---- */

static int blocked(struct import *x, int rc)
{
    if (rc == -ENOTDIR || rc == -ELOOP || rc == -EEXIST)
        return refuse_member(x, "lies where another member is");
    return cenv_fs_fail(x->err, rc, CENV_CWD, NULL, "cannot unpack");
}

static int make_dir(struct unpacking *u, struct cenv_str path)
{
    struct import *x = u->import;
    struct made_dir *made = cenv_arena_calloc(&x->arena, 1, sizeof(*made));
    int rc = cenv_dirs_get(&u->dirs, path, DIR_MODE);
    if (rc < 0)
        return blocked(x, rc);
    if (made)
        made->path = cenv_arena_str(&x->arena, path);
    if (!made || !made->path.data)
        return cenv_error_oom(x->err);
    made->mode = x->member.mode & 01777;
    made->next = u->made;
    u->made = made;
    return 0;
}

/* The file's content: into `fd`, or where `whole` is given into that. */
static int copy_data(struct unpacking *u, int fd, struct cenv_buf *whole)
{
    struct import *x = u->import;
    const void *data;
    size_t len;
    int rc;
    while ((rc = cenv_tar_data(x->tar, &data, &len, x->err)) == 1) {
        if (cenv_digest_update(u->sum.sha256, data, len) < 0)
            return cenv_error_set(x->err, CENV_EFAIL, "cannot compute a digest");
        if (whole && cenv_buf_add(whole, data, len) < 0)
            return refuse_member(x, "is too large");
        rc = whole ? 0 : cenv_raw_write(fd, data, len);
        if (rc < 0)
            return cenv_fs_fail(x->err, rc, fd, NULL, "cannot write");
        rc = cenv_task_poll(x->task, x->err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int copy_record(struct unpacking *u, int fd)
{
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_ARCHIVE_TEXT_MAX);
    int rc = copy_data(u, fd, &text);
    if (rc == 0)
        rc = write_record(u, fd, cenv_buf_str(&text));
    cenv_buf_release(&text);
    return rc;
}

static int make_file(struct unpacking *u, struct cenv_str path)
{
    struct import *x = u->import;
    struct cenv_str name;
    int dir = cenv_dirs_parent(&u->dirs, path, DIR_MODE, &name);
    int fd = dir < 0 ? dir : cenv_raw_create(dir, name.data, 0600);
    if (fd < 0)
        return blocked(x, fd);
    int rc = is_record(path) ? copy_record(u, fd) : copy_data(u, fd, NULL);
    if (rc == 0) {
        cenv_raw_chmod_fd(fd, x->member.mode & 0777);
        cenv_raw_set_mtime_fd(fd, x->member.mtime_ns);
    }
    int closed = cenv_raw_close(fd);
    return rc == 0 && closed < 0 ? blocked(x, closed) : rc;
}

static int make_symlink(struct unpacking *u, struct cenv_str path)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(&u->dirs, path, DIR_MODE, &name);
    int rc =
        dir < 0 ? dir : cenv_raw_symlink(u->import->member.link.data, dir, name.data);
    if (rc == 0)
        cenv_raw_set_mtime(dir, name.data, u->import->member.mtime_ns);
    return rc < 0 ? blocked(u->import, rc) : 0;
}

static int link_peer(struct unpacking *u, struct cenv_str path)
{
    struct import *x = u->import;
    struct cenv_str first = cenv_archive_below_prefix(x->member.link, u->n), old, name;
    if (!first.len)
        return refuse_member(x, "is a hard link to what lies elsewhere");
    int from = cenv_dirs_parent(&u->link_dirs, first, 0, &old);
    int to = cenv_dirs_parent(&u->dirs, path, DIR_MODE, &name);
    int rc = from < 0 ? from
             : to < 0 ? to
                      : cenv_raw_link(from, old.data, to, name.data);
    return rc < 0 ? blocked(x, rc) : 0;
}

static int unpack_member(struct unpacking *u)
{
    struct import *x = u->import;
    struct cenv_str path = cenv_archive_below_prefix(x->member.path, u->n);
    if (!path.data || (!path.len && x->member.type != CENV_MEMBER_DIR))
        return refuse_member(x, "lies outside the prefix");
    if (cenv_archive_sum_add(&u->sum, &x->member) < 0)
        return cenv_error_set(x->err, CENV_EFAIL, "cannot compute a digest");
    switch (x->member.type) {
    case CENV_MEMBER_DIR:
        return make_dir(u, path);
    case CENV_MEMBER_SYMLINK:
        return make_symlink(u, path);
    case CENV_MEMBER_HARDLINK:
        return link_peer(u, path);
    default:
        return make_file(u, path);
    }
}

static int check_end(struct unpacking *u)
{
    struct import *x = u->import;
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_json *end = NULL;
    int rc = read_text(x, "its end.json", &end);
    if (rc == 0 && cenv_digest_hex(u->sum.sha256, hex) < 0)
        rc = cenv_error_set(x->err, CENV_EFAIL, "cannot compute a digest");
    if (rc == 0 && (!cenv_str_is(cenv_json_get_str(end, "sha256"), hex) ||
                    cenv_json_get_int(end, "members", -1) != (int64_t)u->sum.members))
        rc = refuse(x, "its content is not what was exported");
    cenv_json_free(end);
    return rc;
}

static int set_modes(struct unpacking *u)
{
    struct import *x = u->import;
    for (const struct made_dir *dir = u->made; dir; dir = dir->next) {
        int fd = cenv_raw_open_beneath(u->src, dir->path, 0);
        int rc = fd < 0 ? fd : cenv_raw_chmod_fd(fd, dir->mode);
        cenv_fd_close(fd);
        if (rc < 0)
            return cenv_fs_fail(x->err, rc, u->src, dir->path.data, "cannot prepare");
    }
    return 0;
}

/* Members up to end.json; unpacked, or only passed over. */
static int read_members(struct unpacking *u, bool unpack)
{
    struct import *x = u->import;
    for (;;) {
        int rc = next(x);
        if (rc <= 0)
            return rc ? rc : refuse(x, "it ends in the middle of a template");
        if (cenv_archive_is(x->member.path, u->n, CENV_ARCHIVE_END))
            return unpack ? check_end(u) : 0;
        rc = unpack ? unpack_member(u) : 0;
        if (rc < 0)
            return rc;
    }
}

/* ---- to its place ---- */

static int place(struct unpacking *u, const struct cenv_manifest *m, int dst,
                 struct cenv_str target)
{
    struct import *x = u->import;
    struct cenv_prepared_clone prepared;
    struct cenv_stat st;
    unsigned cpus = cenv_host_cpus();
    if (cenv_raw_stat_fd(dst, &st) < 0)
        return cenv_error_set(x->err, CENV_EFAIL, "cannot look at the new template");
    int rc = cenv_prepared_clone_init(&prepared, m, u->src, target, x->err);
    if (rc < 0)
        return rc;
    /* The source goes: no inode stays shared. */
    struct cenv_clone_target to = {dst, 0777 & ~st.mode, CENV_PLACE_HARDLINK};
    rc = cenv_clone_tree_place(&prepared, &to, cpus < 4 ? cpus : 4, NULL, x->task,
                               x->err);
    cenv_prepared_clone_release(&prepared);
    if (rc == 0)
        cenv_raw_chmod_fd(dst, m->dirs[0].mode);
    return rc;
}

static int save_manifest(struct unpacking *u, int entry, int prefix, const char *target)
{
    struct import *x = u->import;
    struct cenv_manifest *m = NULL;
    int rc = cenv_manifest_of_environment(&m, prefix, target, NULL, x->task, x->err);
    if (rc == 0)
        rc = cenv_manifest_save(m, entry, CENV_TEMPLATE_MANIFEST, x->err);
    cenv_manifest_free(m);
    return rc;
}

static int describe(struct unpacking *u, int entry)
{
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_ARCHIVE_TEXT_MAX);
    int rc = cenv_json_print(u->doc, 0, &text) < 0 ? cenv_error_oom(u->import->err) : 0;
    if (rc == 0)
        rc = cenv_fs_write_new(entry, CENV_TEMPLATE_JSON, cenv_buf_str(&text), 0644,
                               u->import->err);
    cenv_buf_release(&text);
    return rc;
}

/* src -> entry/prefix in the scratch directory, naming the place where it will be. */
static int relocate(struct unpacking *u, int entry, const char *target)
{
    struct import *x = u->import;
    struct cenv_manifest *m = NULL;
    int rc = cenv_fs_mkdir(entry, CENV_TEMPLATE_PREFIX, 0777, x->err);
    int dst = rc ? rc : cenv_fs_open_dir(entry, CENV_TEMPLATE_PREFIX, x->err);
    rc = dst < 0
             ? dst
             : cenv_manifest_of_environment(&m, u->src, u->from, NULL, x->task, x->err);
    if (rc == 0)
        rc = place(u, m, dst, cenv_str(target));
    if (rc == 0)
        rc = save_manifest(u, entry, dst, target);
    if (rc == 0)
        rc = describe(u, entry);
    cenv_manifest_free(m);
    cenv_fd_close(dst);
    return rc;
}

static int publish(struct unpacking *u)
{
    struct import *x = u->import;
    int templates = x->store->dirs[CENV_STORE_TEMPLATES];
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 20);
    int rc = cenv_template_entry_add_prefix(x->store, u->id, &target)
                 ? cenv_fs_mkdir(u->scratch.fd, "entry", 0755, x->err)
                 : cenv_error_oom(x->err);
    int entry = rc ? rc : cenv_fs_open_dir(u->scratch.fd, "entry", x->err);
    rc = entry < 0 ? entry : relocate(u, entry, target.data);
    if (rc == 0)
        rc = cenv_publish_sync(x->store, x->err);
    /* What lies there without a whole template.json was never finished. */
    rc =
        rc ? rc
           : cenv_publish_entry(u->scratch.fd, "entry", templates, u->id, true, x->err);
    cenv_fd_close(entry);
    cenv_buf_release(&target);
    return rc;
}

static int take_in(struct unpacking *u)
{
    struct import *x = u->import;
    int rc = cenv_fs_mkdir(u->scratch.fd, "src", DIR_MODE, x->err);
    u->src = rc ? rc : cenv_fs_open_dir(u->scratch.fd, "src", x->err);
    if (u->src < 0)
        return u->src;
    cenv_dirs_init(&u->dirs, u->src);
    cenv_dirs_init(&u->link_dirs, u->src);
    u->sum.sha256 = cenv_digest_new(CENV_SHA256);
    rc = u->sum.sha256 ? read_members(u, true) : cenv_error_oom(x->err);
    cenv_dirs_release(&u->dirs);
    cenv_dirs_release(&u->link_dirs);
    if (rc == 0)
        rc = set_modes(u);
    if (rc == 0)
        rc = publish(u);
    cenv_digest_free(u->sum.sha256);
    cenv_fd_close(u->src);
    return rc;
}

/* Only names that requests have, and only this template's: an archive answers for nothing else. */
static int enter_requests(const struct unpacking *u)
{
    struct import *x = u->import;
    const struct cenv_json *item;
    unsigned char raw[(CENV_STORE_KEY - 1) / 2];
    char text[128];
    int rc = 0, dir = x->store->dirs[CENV_STORE_REQUESTS];
    snprintf(text, sizeof(text), "{\"id\":\"%s\"}", u->id);
    cenv_json_each(item, cenv_json_get(u->head, "requests"))
    {
        struct cenv_str name = cenv_str(cenv_json_key(item));
        if (rc == 0 && name.len == CENV_STORE_KEY - 1 + strlen(".json") &&
            cenv_str_ends(name, CENV_STR(".json")) &&
            cenv_unhex(cenv_str_slice(name, 0, CENV_STORE_KEY - 1), raw, sizeof(raw)) &&
            !cenv_fs_exists(dir, name.data))
            rc = cenv_fs_write_atomic(dir, name.data, cenv_str(text), 0644, x->err);
    }
    return rc;
}

/* ---- one template ---- */

/* Under the lock of its builders: who wants it meanwhile waits for this. */
static int find_or_take(struct unpacking *u, bool *taken)
{
    struct import *x = u->import;
    struct cenv_lock *lock;
    int rc = cenv_template_entry_lock(x->store, u->id, &lock, x->task, x->err);
    if (rc < 0)
        return rc;
    rc = cenv_template_entry_find(x->store, u->id, x->err);
    if (rc == 0) {
        rc = read_members(u, false);
    } else if (rc == 1) {
        rc = cenv_scratch_open(x->store, &u->scratch, x->err);
        if (rc == 0) {
            rc = take_in(u);
            *taken = rc == 0;
            cenv_scratch_close(x->store, &u->scratch);
        }
    }
    cenv_template_entry_unlock(x->store, u->id, lock);
    return rc;
}

static int note(struct unpacking *u, bool taken)
{
    struct import *x = u->import;
    struct cenv_json *item = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(x->store, u->id, &item, &st, x->err);
    if (rc != 0)
        return rc < 0 ? rc : cenv_error_set(x->err, CENV_EFAIL, "it vanished");
    cenv_json_remove(item, "records");
    rc = cenv_templates_complete(x->store, u->id, &st, item);
    if (rc == 0)
        rc = cenv_json_set_bool(item, "imported", taken);
    if (rc < 0)
        cenv_json_free(item);
    else
        rc = cenv_json_append(x->templates, item);
    return rc < 0 ? cenv_error_oom(x->err) : 0;
}

static int unpack_template(struct import *x, unsigned n)
{
    struct unpacking u = {.import = x, .n = n, .src = -1};
    bool taken = false;
    int rc = read_head(&u);
    if (rc == 0)
        rc = find_or_take(&u, &taken);
    if (rc == 0)
        rc = enter_requests(&u);
    if (rc == 0)
        rc = note(&u, taken);
    cenv_json_free(u.head);
    return rc;
}

/* ---- the archive ---- */

static int open_archive(struct import *x, const char *path)
{
    struct cenv_stat st;
    x->file = cenv_fs_open_named(path, &st, x->err);
    if (x->file < 0)
        return x->file;
    cenv_task_progress(x->task, CENV_STAGE_IMPORT, st.size);
    x->block = cenv_malloc(BLOCK);
    x->templates = cenv_json_array();
    if (!x->block || !x->templates)
        return cenv_error_oom(x->err);
    uint64_t most = st.size > (max_bytes - free_bytes) / max_ratio
                        ? max_bytes
                        : free_bytes + st.size * max_ratio;
    struct cenv_input from = {file_read, x};
    int rc = cenv_decoder_new(&x->decoder, CENV_CODEC_ZSTD, from, most, x->err);
    rc =
        rc ? rc : cenv_readahead_new(&x->ahead, cenv_input_decoder(x->decoder), x->err);
    if (rc == 0)
        rc = cenv_tar_open(&x->tar, cenv_readahead_input(x->ahead), x->err);
    return rc;
}

static void release(struct import *x)
{
    cenv_tar_free(x->tar);
    cenv_readahead_free(x->ahead);
    cenv_decoder_free(x->decoder);
    cenv_fd_close(x->file);
    cenv_free(x->block);
    cenv_json_free(x->templates);
    cenv_arena_release(&x->arena);
}

static int unpack_all(struct import *x)
{
    unsigned n = 0;
    int rc = 0;
    while (rc == 0 && (rc = next(x)) == 1)
        rc = unpack_template(x, n++);
    return rc == 0 && n == 0 ? refuse(x, "it is no archive of templates") : rc;
}

static int reply(struct import *x, uint64_t started_ns, struct cenv_buf *out)
{
    struct cenv_json *doc = cenv_json_object();
    double seconds = (double)(cenv_clock_ns() - started_ns) / 1e9;
    int rc = cenv_json_set(doc, "templates", x->templates);
    x->templates = NULL;
    if (rc == 0)
        rc = cenv_json_set(doc, "seconds", cenv_json_number(seconds));
    if (rc == 0)
        rc = cenv_json_print(doc, 0, out);
    cenv_json_free(doc);
    return rc < 0 ? cenv_error_oom(x->err) : 0;
}

struct import_options {
    const struct cenv_json *virtuals;
};

static const struct cenv_option option_table[] = {
    {"virtual_packages", CENV_OPTION_LIST, offsetof(struct import_options, virtuals),
     NULL},
};

static const struct cenv_options import_options = CENV_OPTIONS("import", option_table);

static int parse_options(struct import *x, const char *options_json)
{
    struct import_options wanted = {NULL};
    struct cenv_json *doc;
    int rc = cenv_options_parse(&import_options, &doc, options_json, &wanted, x->err);
    if (rc == 0)
        rc = cenv_request_parse_virtuals(&x->machine, wanted.virtuals, &x->arena,
                                         x->err);
    cenv_json_free(doc);
    return rc;
}

int cenv_template_import(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    uint64_t started_ns = cenv_clock_ns();
    struct import x = {.store = store, .file = -1, .task = task, .err = err};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_IMPORT, "");
    struct cenv_lease *lease = NULL;
    cenv_arena_init(&x.arena);
    int rc = parse_options(&x, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = open_archive(&x, path);
    if (rc == 0)
        rc = unpack_all(&x);
    if (rc == CENV_EINTEGRITY || rc == CENV_EPREFIX)
        cenv_error_prefix(err, "archive '%s'", path);
    if (rc == 0)
        rc = reply(&x, started_ns, out);
    cenv_span_end(task, &span);
    release(&x);
    cenv_lease_free(lease);
    return rc;
}
