/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing an archive of templates: what the manifest of each lists is read, compared with what the
 * manifest says, and packed. Nothing is relocated here: that is done where the archive is read.
 */
#include <errno.h>
#include <stdio.h>

#include "archive/archive.h"
#include "archive/archive_contents.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "cenv.h"
#include "codec/json.h"
#include "codec/options.h"
#include "codec/shape.h"
#include "codec/tar_write.h"
#include "manifest/manifest.h"
#include "model/platform.h"
#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_remove.h"
#include "os/fs_rename.h"
#include "os/fs_where.h"
#include "os/path.h"
#include "os/raw_data.h"
#include "os/sibling.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/template_entry.h"

enum {
    ZSTD_LEVEL = 6,
    BLOCK = 1 << 18,
    MEMBER_PATH_MAX = 1 << 16,
    ENTRY_NAME = 64,
    END_MAX = 256,
    SHARED_MIN = 513, /* bytes: what fits into a tar block costs no less as a link */
};

#define FILE_NAME "archive" /* in its sibling */

/* Readers clamp times to what 32 bits hold; so the sum is over clamped ones. */
static const int64_t latest_ns = 4294967295LL * 1000000000LL;

struct exporter {
    struct cenv_store *store;
    struct cenv_encoder *encoder;
    struct cenv_output tar;
    int parent, dir, file;
    char *path, *temp; /* the archive's; its sibling's, which is open as `dir` */
    char *block;
    struct cenv_archive_contents contents;
    struct cenv_lock *claim; /* of the path: one process at a time writes there */
    uint64_t start_ns;
    struct cenv_json_writer reply; /* the array of templates is open */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* One template on its way out. */
struct packing {
    struct exporter *exporter;
    unsigned n;
    const char *id;
    struct cenv_json *doc; /* template.json */
    struct cenv_manifest *manifest;
    int dir, prefix; /* templates/<id> and the prefix in it */
    struct cenv_dirs dirs;
    struct cenv_archive_sum sum;
    uint64_t bytes, shared;         /* of files; those that the archive had */
    char head[CENV_DIGEST_HEX_MAX]; /* SHA-256 of the archive's template.json */
    struct cenv_buf path, link;     /* of the member in hand */
};

static int write_archive(void *ctx, const void *data, size_t len,
                         struct cenv_error *err)
{
    struct exporter *x = ctx;
    int failed = cenv_raw_write(x->file, data, len);
    return failed < 0 ? cenv_fs_fail(err, failed, x->file, NULL, "cannot write") : 0;
}

static int write_encoder(void *ctx, const void *data, size_t len,
                         struct cenv_error *err)
{
    return cenv_encoder_write(ctx, data, len, err);
}

/* ---- members ---- */

static int put_text(struct exporter *x, const char *path, struct cenv_str text)
{
    struct cenv_member member = {.type = CENV_MEMBER_FILE,
                                 .path = cenv_str(path),
                                 .mode = 0644,
                                 .size = text.len};
    int rc = cenv_tar_write_header(&member, x->tar, x->err);
    if (rc == 0)
        rc = x->tar.write(x->tar.ctx, text.data, text.len, x->err);
    if (rc == 0)
        rc = cenv_tar_write_padding(member.size, x->tar, x->err);
    return rc;
}

/* "<n>/prefix[/<dir>[/<name>]]" into `out`; refused where no archive could name it. */
static int set_path(const struct packing *p, struct cenv_str dir, const char *name,
                    struct cenv_buf *out)
{
    cenv_buf_clear(out);
    cenv_buf_addf(out, "%u/" CENV_TEMPLATE_PREFIX, p->n);
    if (dir.len)
        cenv_buf_addf(out, "/%s", dir.data);
    if (name)
        cenv_buf_addf(out, "/%s", name);
    if (out->failed)
        return cenv_error_oom(p->exporter->err);
    const char *why = cenv_path_refused(cenv_buf_str(out));
    return why ? cenv_error_set(p->exporter->err, CENV_EPREFIX,
                                "cannot export '%s': its name %s", out->data, why)
               : 0;
}

static int put_member(struct packing *p, const struct cenv_member *member)
{
    struct exporter *x = p->exporter;
    int rc = cenv_task_poll(x->task, x->err);
    if (rc == 0)
        rc = cenv_archive_sum_member(&p->sum, member, x->err);
    if (rc == 0)
        rc = cenv_tar_write_header(member, x->tar, x->err);
    return rc;
}

static int refuse_altered(const struct packing *p)
{
    cenv_error_set(p->exporter->err, CENV_EINTEGRITY,
                   "template %.12s was altered: '%s' is not as it was built", p->id,
                   p->path.data);
    return cenv_error_hint(p->exporter->err, "build it again: cenv template build");
}

/* Bytes of a file that are in the block. */
static int put_block(struct packing *p, size_t len)
{
    struct exporter *x = p->exporter;
    int rc = cenv_archive_sum_content(&p->sum, x->block, len, x->err);
    if (rc == 0)
        rc = x->tar.write(x->tar.ctx, x->block, len, x->err);
    cenv_task_advance(x->task, len);
    if (rc == 0)
        rc = cenv_task_poll(x->task, x->err);
    return rc;
}

static int put_data(struct packing *p, int fd, uint64_t size)
{
    struct exporter *x = p->exporter;
    int rc = 0;
    for (uint64_t at = 0; at < size && rc == 0;) {
        size_t want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        int64_t got = cenv_raw_pread(fd, x->block, want, at);
        if (got < 0)
            return cenv_fs_fail(x->err, (int)got, fd, NULL, "cannot read");
        if ((size_t)got != want)
            return refuse_altered(p);
        at += want;
        rc = put_block(p, want);
    }
    if (rc == 0)
        rc = cenv_tar_write_padding(size, x->tar, x->err);
    return rc;
}

/* Tells in the reply what the template has and the archive has not. */
static void tell_skipped(struct packing *p, struct cenv_str path, const char *reason)
{
    struct cenv_json_writer *w = &p->exporter->reply;
    struct cenv_str below = cenv_archive_below_prefix(path, p->n);
    cenv_json_write_object(w, NULL);
    cenv_json_write_str(w, "path", below.data ? below : path);
    cenv_json_write_cstr(w, "reason", reason);
    cenv_json_write_end(w);
}

static void tell_lost(struct packing *p, struct cenv_str path,
                      const struct cenv_mf_file *file)
{
    if (file->flags & CENV_MF_XATTR)
        tell_skipped(p, path, "extended attributes are not kept in archives");
    if (file->mode & ~0777u)
        tell_skipped(p, path, "set-id bits are not kept in archives");
}

static int put_content(struct packing *p, int fd, struct cenv_member *member)
{
    int rc = put_member(p, member);
    if (rc == 0)
        rc = put_data(p, fd, member->size);
    return rc;
}

/* What names the prefix is another file wherever it is read, as records are. */
static bool may_share(const struct packing *p, const struct cenv_mf_file *file,
                      struct cenv_str path)
{
    return file->size >= SHARED_MIN && file->reloc == CENV_NONE &&
           !(file->flags & CENV_MF_DEPENDENT) &&
           !cenv_str_starts(cenv_archive_below_prefix(path, p->n),
                            CENV_STR("conda-meta/"));
}

static int put_once(struct packing *p, int fd, struct cenv_member *member)
{
    struct exporter *x = p->exporter;
    int rc = cenv_archive_contents_find(&x->contents, fd, member->path, &member->link,
                                        x->task, x->err);
    if (rc < 0)
        return rc;
    if (!member->link.len)
        return put_content(p, fd, member);
    p->shared += member->size;
    cenv_task_advance(x->task, member->size);
    member->type = CENV_MEMBER_HARDLINK;
    member->size = 0;
    return put_member(p, member);
}

static int put_file(struct packing *p, int dir, const struct cenv_mf_file *file,
                    struct cenv_member *member)
{
    struct cenv_stat st;
    const char *name = cenv_mf_cstr(p->manifest, file->name);
    int rc, fd = cenv_raw_open_file(dir, name, &st);
    if (fd < 0)
        return cenv_fs_fail(p->exporter->err, fd, dir, name, "cannot read");
    member->type = CENV_MEMBER_FILE;
    member->size = file->size;
    p->bytes += file->size;
    if (cenv_mf_is_same(file, &st)) {
        rc = may_share(p, file, member->path) ? put_once(p, fd, member)
                                              : put_content(p, fd, member);
        tell_lost(p, member->path, file);
    } else {
        rc = refuse_altered(p);
    }
    cenv_fd_close(fd);
    return rc;
}

static int put_peer(struct packing *p, const struct cenv_mf_file *file,
                    struct cenv_member *member)
{
    const struct cenv_manifest *m = p->manifest;
    const struct cenv_mf_file *first = &m->files[file->peer];
    int rc = set_path(p, cenv_mf_str(m, m->dirs[first->dir].path),
                      cenv_mf_cstr(m, first->name), &p->link);
    member->type = CENV_MEMBER_HARDLINK;
    member->link = cenv_buf_str(&p->link);
    if (rc == 0)
        rc = put_member(p, member);
    return rc;
}

static int64_t clamp_time(int64_t mtime_ns)
{
    if (mtime_ns < 0)
        return 0;
    return mtime_ns > latest_ns ? latest_ns : mtime_ns;
}

/* No clone gets bytecode that holds no more; neither does an archive. */
static int put_entry(struct packing *p, int dir, const struct cenv_mf_file *file)
{
    const struct cenv_manifest *m = p->manifest;
    int rc = set_path(p, cenv_mf_str(m, m->dirs[file->dir].path),
                      cenv_mf_cstr(m, file->name), &p->path);
    struct cenv_member member = {.path = cenv_buf_str(&p->path),
                                 .link = CENV_STR(""),
                                 .mode = file->mode & 0777,
                                 .mtime_ns = clamp_time(file->mtime_ns)};
    if (rc < 0 || (file->flags & CENV_MF_LEFT_OUT))
        return rc;
    if (file->type == CENV_MF_SYMLINK) {
        member.type = CENV_MEMBER_SYMLINK;
        member.link = cenv_mf_str(m, file->target);
        return put_member(p, &member);
    }
    if (file->peer != CENV_NONE)
        return put_peer(p, file, &member);
    return put_file(p, dir, file, &member);
}

static int put_dir(struct packing *p, const struct cenv_mf_dir *dir)
{
    const struct cenv_manifest *m = p->manifest;
    struct cenv_str path = cenv_mf_str(m, dir->path);
    int rc = set_path(p, path, NULL, &p->path);
    struct cenv_member member = {.type = CENV_MEMBER_DIR,
                                 .path = cenv_buf_str(&p->path),
                                 .link = CENV_STR(""),
                                 .mode = dir->mode};
    if (rc == 0)
        rc = put_member(p, &member);
    if (rc < 0)
        return rc;
    int fd = cenv_dirs_get(&p->dirs, path, 0);
    if (fd < 0)
        return cenv_fs_fail(p->exporter->err, fd, p->prefix, path.data, "cannot open");
    for (uint32_t i = 0; i < dir->nr_files && rc == 0; i++)
        rc = put_entry(p, fd, &m->files[dir->first_file + i]);
    return rc;
}

/* ---- one template ---- */

struct request_search {
    const struct packing *p;
    struct cenv_json_writer w;
};

static int write_request(void *ctx, const struct cenv_dirent *entry,
                         struct cenv_error *err)
{
    struct request_search *search = ctx;
    int requests = search->p->exporter->store->dirs[CENV_STORE_REQUESTS];
    struct cenv_json *doc = NULL;
    int rc =
        cenv_layout_load_json(requests, entry->name, &cenv_shape_object, &doc, err);
    if (rc == 0 && cenv_str_is(cenv_json_get_str(doc, "id"), search->p->id))
        cenv_json_write_tree(&search->w, entry->name, doc);
    cenv_json_free(doc);
    return rc < 0 ? rc : 0;
}

/* With the requests that led to it: asked again where it is read, they solve nothing. */
static int write_head(const struct packing *p, struct cenv_buf *out)
{
    struct exporter *x = p->exporter;
    struct request_search search = {.p = p};
    struct cenv_json_writer *w = &search.w;
    cenv_json_writer_init(w, out, 0);
    cenv_json_write_object(w, NULL);
    cenv_json_write_u64(w, "format", CENV_ARCHIVE_FORMAT_LAST);
    cenv_json_write_cstr(w, "subdir", cenv_platform_subdir());
    cenv_json_write_str(w, "prefix",
                        cenv_mf_str(p->manifest, p->manifest->header->prefix));
    cenv_json_write_tree(w, "template", p->doc);
    cenv_json_write_object(w, "requests");
    int rc = cenv_layout_each(x->store, CENV_STORE_REQUESTS, x->task, write_request,
                              &search, x->err);
    cenv_json_write_end(w);
    cenv_json_write_end(w);
    if (rc == 0)
        rc = cenv_json_writer_finish(w, x->err);
    return rc;
}

static int put_head(struct packing *p)
{
    char path[ENTRY_NAME];
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_ARCHIVE_TEXT_MAX);
    int rc = write_head(p, &text);
    snprintf(path, sizeof(path), "%u/" CENV_ARCHIVE_HEAD, p->n);
    if (rc == 0 && !cenv_digest_sha256_hex(cenv_buf_str(&text), p->head))
        rc = cenv_error_oom(p->exporter->err);
    if (rc == 0)
        rc = put_text(p->exporter, path, cenv_buf_str(&text));
    cenv_buf_release(&text);
    return rc;
}

static int put_end(struct packing *p)
{
    char path[ENTRY_NAME], hex[CENV_DIGEST_HEX_MAX], text[END_MAX];
    int rc = cenv_archive_sum_finish(&p->sum, hex, p->exporter->err);
    if (rc < 0)
        return rc;
    snprintf(path, sizeof(path), "%u/" CENV_ARCHIVE_END, p->n);
    snprintf(text, sizeof(text), "{\"members\":%llu,\"sha256\":\"%s\",\"head\":\"%s\"}",
             (unsigned long long)p->sum.members, hex, p->head);
    return put_text(p->exporter, path, cenv_str(text));
}

static int open_template(struct packing *p)
{
    struct exporter *x = p->exporter;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(x->store, p->id, &p->doc, &st, x->err);
    if (rc == 1)
        rc = cenv_error_set(x->err, CENV_EUSAGE, "no template '%s' in %s", p->id,
                            x->store->path);
    if (rc < 0)
        return rc;
    p->dir = cenv_fs_open_dir(x->store->dirs[CENV_STORE_TEMPLATES], p->id, x->err);
    if (p->dir < 0)
        return p->dir;
    rc = cenv_fs_exists(p->dir, CENV_TEMPLATE_OWNER, x->err);
    if (rc < 0)
        return rc;
    if (rc == 1)
        return cenv_error_set(x->err, CENV_EUSAGE,
                              "template %.12s serves one run only: its set-up has no "
                              "key that tells it from others",
                              p->id);
    p->prefix = cenv_fs_open_dir(p->dir, CENV_TEMPLATE_PREFIX, x->err);
    if (p->prefix < 0)
        return p->prefix;
    return cenv_manifest_open(&p->manifest, p->dir, CENV_TEMPLATE_MANIFEST, x->err);
}

static int put_tree(struct packing *p)
{
    int rc = 0;
    cenv_dirs_init(&p->dirs, p->prefix);
    for (uint32_t i = 0; i < p->manifest->nr_dirs && rc == 0; i++)
        rc = put_dir(p, &p->manifest->dirs[i]);
    cenv_dirs_release(&p->dirs);
    return rc;
}

/* FIFOs and sockets. */
static void tell_noted(struct packing *p)
{
    for (uint32_t i = 0; i < p->manifest->nr_notes; i++) {
        const struct cenv_mf_note *note = &p->manifest->notes[i];
        if (note->kind == CENV_NOTE_SKIPPED)
            tell_skipped(p, cenv_mf_str(p->manifest, note->path),
                         cenv_mf_cstr(p->manifest, note->reason));
    }
}

static int put_template(struct packing *p)
{
    struct cenv_json_writer *w = &p->exporter->reply;
    int rc = put_head(p);
    if (rc < 0)
        return rc;
    cenv_json_write_object(w, NULL);
    cenv_json_write_cstr(w, "id", p->id);
    cenv_json_write_array(w, "skipped");
    rc = put_tree(p);
    if (rc == 0)
        rc = put_end(p);
    tell_noted(p);
    cenv_json_write_end(w);
    cenv_json_write_u64(w, "members", p->sum.members);
    cenv_json_write_u64(w, "bytes", p->bytes);
    cenv_json_write_u64(w, "shared", p->shared);
    cenv_json_write_end(w);
    return rc;
}

static int pack_template(struct exporter *x, unsigned n, const char *id)
{
    struct packing p = {.exporter = x, .n = n, .id = id, .dir = -1, .prefix = -1};
    cenv_buf_init(&p.path, MEMBER_PATH_MAX);
    cenv_buf_init(&p.link, MEMBER_PATH_MAX);
    int rc = cenv_archive_sum_init(&p.sum, x->err);
    if (rc == 0)
        rc = open_template(&p);
    if (rc == 0)
        rc = put_template(&p);
    cenv_json_free(p.doc);
    cenv_manifest_free(p.manifest);
    cenv_archive_sum_release(&p.sum);
    cenv_buf_release(&p.path);
    cenv_buf_release(&p.link);
    cenv_fd_close(p.prefix);
    cenv_fd_close(p.dir);
    return rc;
}

/* ---- the archive ---- */

static int open_parent(struct exporter *x)
{
    struct cenv_buf parent;
    cenv_buf_init(&parent, MEMBER_PATH_MAX);
    cenv_buf_add_str(&parent, cenv_path_parent(cenv_str(x->path)));
    x->parent =
        parent.failed ? cenv_error_oom(x->err) : cenv_fs_open_root(parent.data, x->err);
    cenv_buf_release(&parent);
    return x->parent < 0 ? x->parent : 0;
}

static const char *name_of(const struct exporter *x)
{
    return cenv_path_base(cenv_str(x->path)).data;
}

/* In the store too, so that a sweep finds it when this process is killed. */
static int make_sibling(struct exporter *x)
{
    struct cenv_clone_entry entry = {.path = x->path,
                                     .source = x->path,
                                     .temp = x->temp,
                                     .mode = CENV_UNFINISHED_MODE};
    int rc = cenv_clone_registry_enter(x->store, &entry, x->err);
    if (rc < 0)
        return rc;
    x->dir = cenv_raw_make_sibling(x->parent, x->temp, 0700);
    return x->dir < 0
               ? cenv_fs_fail(x->err, x->dir, x->parent, name_of(x), "cannot write")
               : 0;
}

/* In a sibling of its own until it is whole. */
static int create_file(struct exporter *x)
{
    cenv_sibling_sweep(x->parent, name_of(x));
    x->temp = cenv_sibling_name(name_of(x));
    x->block = cenv_malloc(BLOCK);
    if (!x->temp || !x->block)
        return cenv_error_oom(x->err);
    int rc = make_sibling(x);
    if (rc < 0)
        return rc;
    x->file = cenv_fs_create(x->dir, FILE_NAME, 0666, x->err);
    return x->file < 0 ? x->file : 0;
}

/* What is there already stays as it is, the store's entry of it too. */
static int check_place(struct exporter *x)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(x->parent, name_of(x), &st);
    if (raw == -ENOENT || (raw == 0 && st.type != CENV_FT_DIR))
        return 0;
    return cenv_fs_fail(x->err, raw < 0 ? raw : -EISDIR, x->parent, name_of(x),
                        "cannot write");
}

static int open_archive(struct exporter *x, const char *path)
{
    struct cenv_output file = {write_archive, x};
    x->path = cenv_fs_abspath(path, x->err);
    if (!x->path)
        return x->err->status;
    int rc = open_parent(x);
    if (rc == 0)
        rc = check_place(x);
    if (rc == 0)
        rc = cenv_clone_registry_claim(x->store, x->path, &x->claim, x->task, x->err);
    if (rc == 0)
        rc = create_file(x);
    if (rc == 0)
        rc = cenv_encoder_new(&x->encoder, CENV_CODEC_ZSTD, ZSTD_LEVEL, file, x->err);
    x->tar = (struct cenv_output){write_encoder, x->encoder};
    return rc;
}

static int publish_archive(struct exporter *x, bool replace)
{
    const char *name = name_of(x);
    int failed = replace
                     ? cenv_raw_rename(x->dir, FILE_NAME, x->parent, name)
                     : cenv_raw_rename_noreplace(x->dir, FILE_NAME, x->parent, name);
    if (failed == -EEXIST) {
        cenv_error_set(x->err, CENV_EUSAGE, "'%s' is there already", x->path);
        return cenv_error_hint(x->err, "give another name, or ask for it to be "
                                       "replaced (--force)");
    }
    return failed < 0 ? cenv_fs_fail(x->err, failed, x->parent, name, "cannot write")
                      : 0;
}

/* Before the archive is published: nothing can fail after the rename. */
static int finish_reply(struct exporter *x)
{
    struct cenv_json_writer *w = &x->reply;
    struct cenv_stat st;
    if (cenv_fs_stat(x->dir, FILE_NAME, &st, x->err) < 0)
        return x->err->status;
    cenv_json_write_end(w);
    cenv_json_write_cstr(w, "path", x->path);
    cenv_json_write_u64(w, "size", st.size);
    cenv_json_write_seconds(w, "seconds", cenv_clock_ns() - x->start_ns);
    cenv_json_write_end(w);
    return cenv_json_writer_finish(w, x->err);
}

static int close_archive(struct exporter *x, bool replace)
{
    int rc = cenv_tar_write_end(x->tar, x->err);
    if (rc == 0)
        rc = cenv_encoder_finish(x->encoder, x->err);
    if (rc == 0)
        rc = finish_reply(x);
    if (rc == 0)
        rc = publish_archive(x, replace);
    return rc;
}

/* Where it cannot be removed the store keeps its entry, for a sweep. */
static void remove_sibling(struct exporter *x)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    bool left = x->dir >= 0 && cenv_fs_remove_tree(x->parent, x->temp, &ignored) < 0;
    if (left)
        cenv_sibling_give_up(x->dir);
    else if (x->temp)
        cenv_clone_registry_forget(x->store, x->path, &ignored);
    cenv_error_release(&ignored);
    if (x->path)
        cenv_clone_registry_unclaim(x->store, x->path, x->claim, left);
}

static void release_exporter(struct exporter *x)
{
    cenv_encoder_free(x->encoder);
    cenv_fd_close(x->file);
    remove_sibling(x);
    cenv_fd_close(x->dir);
    cenv_fd_close(x->parent);
    cenv_free(x->temp);
    cenv_free(x->path);
    cenv_free(x->block);
    cenv_archive_contents_release(&x->contents);
}

static int pack_all(struct exporter *x, const struct cenv_json *ids)
{
    const struct cenv_json *id;
    unsigned n = 0;
    int rc = 0;
    cenv_json_each(id, ids)
    {
        const char *text = cenv_json_cstr(id);
        if (rc == 0)
            rc = pack_template(x, n++, text ? text : "");
    }
    if (rc < 0 || n)
        return rc;
    cenv_error_set(x->err, CENV_EUSAGE, "there is no template to export");
    return cenv_error_hint(x->err, "build one: cenv template build SPEC ...");
}

/* ---- the call ---- */

struct options {
    const struct cenv_json *ids;
    bool replace;
};

static int parse_options(struct options *out, struct cenv_json **doc, const char *text,
                         struct cenv_error *err)
{
    static const struct cenv_option table[] = {
        {"ids", CENV_OPTION_LIST, offsetof(struct options, ids), NULL},
        {"replace", CENV_OPTION_BOOL, offsetof(struct options, replace), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template export", table);
    return cenv_options_parse(&options, doc, text, out, err);
}

static int export_templates(struct exporter *x, const char *path,
                            const struct options *options, struct cenv_buf *out)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_EXPORT, "");
    size_t before = out->len;
    x->start_ns = cenv_clock_ns();
    cenv_json_writer_init(&x->reply, out, 0);
    cenv_json_write_object(&x->reply, NULL);
    cenv_json_write_array(&x->reply, "templates");
    cenv_task_progress(x->task, CENV_STAGE_EXPORT, 0);
    int rc = open_archive(x, path);
    if (rc == 0)
        rc = pack_all(x, options->ids);
    if (rc == 0)
        rc = close_archive(x, options->replace);
    if (rc < 0)
        out->len = before;
    cenv_span_end(x->task, &span);
    return rc;
}

int cenv_template_export(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct exporter x = {
        .store = store, .parent = -1, .dir = -1, .file = -1, .task = task, .err = err};
    struct options options = {0};
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    int rc = parse_options(&options, &doc, options_json, err);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = export_templates(&x, path, &options, out);
    release_exporter(&x);
    cenv_lease_free(lease);
    cenv_json_free(doc);
    return rc;
}
