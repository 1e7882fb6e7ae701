/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing an archive of templates: what the manifest of each lists is read, compared with what the
 * manifest says, and packed. Nothing is relocated here; whoever reads the archive does that.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "cenv.h"
#include "codec/json.h"
#include "codec/tar_write.h"
#include "manifest/manifest.h"
#include "model/platform.h"
#include "os/fs.h"
#include "os/path.h"
#include "store/layout.h"
#include "store/template_entry.h"
#include "template/archive.h"

enum { ZSTD_LEVEL = 6, BLOCK = 1 << 18 };

/* Readers clamp times to what 32 bits hold; so the sum is over clamped ones. */
static const int64_t latest_ns = 4294967295LL * 1000000000LL;

struct export
{
    struct cenv_store *store;
    struct cenv_encoder *encoder;
    struct cenv_output tar;
    int parent, file;
    char *path, *temp; /* of the archive; its name while it is written */
    char *block;
    struct cenv_json *templates; /* of the reply */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* One template on its way out. */
struct packing {
    struct export *export;
    unsigned n;
    const char *id;
    struct cenv_json *doc; /* template.json */
    struct cenv_manifest *manifest;
    int dir, prefix; /* templates/<id> and the prefix in it */
    struct cenv_dirs dirs;
    struct cenv_archive_sum sum;
    struct cenv_json *skipped;
    struct cenv_buf path, link; /* of the member in hand */
};

static int write_file(void *ctx, const void *data, size_t len, struct cenv_error *err)
{
    struct export *x = ctx;
    int rc = cenv_raw_write(x->file, data, len);
    return rc < 0 ? cenv_fs_fail(err, rc, x->file, NULL, "cannot write") : 0;
}

static int encoder_write(void *ctx, const void *data, size_t len,
                         struct cenv_error *err)
{
    return cenv_encoder_write(ctx, data, len, err);
}

/* ---- members ---- */

static int put_text(struct export *x, const char *path, const struct cenv_json *doc)
{
    struct cenv_buf text;
    struct cenv_member member = {
        .type = CENV_MEMBER_FILE, .path = cenv_str(path), .mode = 0644};
    cenv_buf_init(&text, CENV_ARCHIVE_TEXT_MAX);
    int rc = cenv_json_print(doc, 0, &text) < 0 ? cenv_error_oom(x->err) : 0;
    member.size = text.len;
    if (rc == 0)
        rc = cenv_tar_write_header(&member, x->tar, x->err);
    if (rc == 0)
        rc = x->tar.write(x->tar.ctx, text.data, text.len, x->err);
    if (rc == 0)
        rc = cenv_tar_write_padding(member.size, x->tar, x->err);
    cenv_buf_release(&text);
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
        return cenv_error_oom(p->export->err);
    const char *why = cenv_path_refused(cenv_buf_str(out));
    return why ? cenv_error_set(p->export->err, CENV_EPREFIX,
                                "cannot export '%s': its name %s", out->data, why)
               : 0;
}

static int put_member(struct packing *p, const struct cenv_member *member)
{
    struct export *x = p->export;
    int rc = cenv_task_poll(x->task, x->err);
    if (rc == 0 && cenv_archive_sum_add(&p->sum, member) < 0)
        rc = cenv_error_set(x->err, CENV_EFAIL, "cannot compute a digest");
    if (rc == 0)
        rc = cenv_tar_write_header(member, x->tar, x->err);
    return rc;
}

static int changed(const struct packing *p)
{
    cenv_error_set(p->export->err, CENV_EINTEGRITY,
                   "template %.12s was altered: '%s' is not as it was built", p->id,
                   p->path.data);
    return cenv_error_hint(p->export->err, "build it again: cenv template build");
}

static int put_data(struct packing *p, int fd, uint64_t size)
{
    struct export *x = p->export;
    int rc = 0;
    for (uint64_t at = 0; at < size && rc == 0;) {
        size_t want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        int64_t got = cenv_raw_pread(fd, x->block, want, at);
        if (got < 0)
            return cenv_fs_fail(x->err, (int)got, fd, NULL, "cannot read");
        if ((size_t)got != want)
            return changed(p);
        at += want;
        cenv_task_advance(x->task, want);
        if (cenv_digest_update(p->sum.sha256, x->block, want) < 0)
            return cenv_error_set(x->err, CENV_EFAIL, "cannot compute a digest");
        rc = x->tar.write(x->tar.ctx, x->block, want, x->err);
        if (rc == 0)
            rc = cenv_task_poll(x->task, x->err);
    }
    if (rc == 0)
        rc = cenv_tar_write_padding(size, x->tar, x->err);
    return rc;
}

/* Told in the reply: what the template has and the archive has not. */
static int skip(struct packing *p, struct cenv_str path, const char *reason)
{
    struct cenv_json *note = cenv_json_object();
    struct cenv_str below = cenv_archive_below_prefix(path, p->n);
    int rc = cenv_json_set_str(note, "path", below.data ? below : path);
    if (rc == 0)
        rc = cenv_json_set_cstr(note, "reason", reason);
    if (rc < 0)
        cenv_json_free(note);
    else
        rc = cenv_json_append(p->skipped, note);
    return rc < 0 ? cenv_error_oom(p->export->err) : 0;
}

static int put_file(struct packing *p, int dir, const struct cenv_mf_file *file,
                    struct cenv_member *member)
{
    struct cenv_stat st;
    int fd = cenv_raw_open_file(dir, cenv_mf_cstr(p->manifest, file->name), &st);
    if (fd < 0)
        return cenv_fs_fail(p->export->err, fd, dir,
                            cenv_mf_cstr(p->manifest, file->name), "cannot read");
    member->type = CENV_MEMBER_FILE;
    member->size = file->size;
    int rc = cenv_mf_is_same(file, &st) ? put_member(p, member) : changed(p);
    if (rc == 0 && (file->flags & CENV_MF_XATTR))
        rc = skip(p, member->path, "extended attributes are not kept in archives");
    if (rc == 0 && (file->mode & ~0777u))
        rc = skip(p, member->path, "set-id bits are not kept in archives");
    if (rc == 0)
        rc = put_data(p, fd, file->size);
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

static int put_entry(struct packing *p, int dir, const struct cenv_mf_file *file)
{
    const struct cenv_manifest *m = p->manifest;
    int rc = set_path(p, cenv_mf_str(m, m->dirs[file->dir].path),
                      cenv_mf_cstr(m, file->name), &p->path);
    struct cenv_member member = {.path = cenv_buf_str(&p->path),
                                 .link = CENV_STR(""),
                                 .mode = file->mode & 0777,
                                 .mtime_ns = file->mtime_ns};
    member.mtime_ns = member.mtime_ns < 0           ? 0
                      : member.mtime_ns > latest_ns ? latest_ns
                                                    : member.mtime_ns;
    if (rc < 0 || (file->flags & CENV_MF_LEFT_OUT))
        return rc; /* bytecode that holds no more: no clone gets it */
    if (file->type == CENV_MF_SYMLINK) {
        member.type = CENV_MEMBER_SYMLINK;
        member.link = cenv_mf_str(m, file->target);
        return put_member(p, &member);
    }
    return file->peer == CENV_NONE ? put_file(p, dir, file, &member)
                                   : put_peer(p, file, &member);
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
    int fd = rc ? rc : cenv_dirs_get(&p->dirs, path, 0);
    if (rc == 0 && fd < 0)
        rc = cenv_fs_fail(p->export->err, fd, p->prefix, path.data, "cannot open");
    for (uint32_t i = 0; i < dir->nr_files && rc == 0; i++)
        rc = put_entry(p, fd, &m->files[dir->first_file + i]);
    return rc;
}

/* ---- one template ---- */

/* The requests that led to this template: asked again there, they solve nothing. */
static struct cenv_json *requests_of(const struct packing *p)
{
    struct cenv_listing list;
    struct cenv_error ignored = CENV_ERROR_INIT;
    int requests = p->export->store->dirs[CENV_STORE_REQUESTS];
    struct cenv_json *found = cenv_json_object();
    if (cenv_listing_read(&list, requests, true) < 0)
        return found;
    for (size_t i = 0; i < list.nr; i++) {
        struct cenv_json *doc = NULL;
        if (cenv_layout_load_json(requests, list.entries[i].name, &doc, &ignored) != 0)
            continue;
        if (cenv_str_is(cenv_json_get_str(doc, "id"), p->id))
            cenv_json_set(found, list.entries[i].name, cenv_json_dup(doc));
        cenv_json_free(doc);
    }
    cenv_error_release(&ignored);
    cenv_listing_release(&list);
    return found;
}

static int put_head(struct packing *p)
{
    char path[64];
    struct cenv_json *doc = cenv_json_object();
    int rc = cenv_json_set_int(doc, "format", CENV_ARCHIVE_FORMAT);
    if (rc == 0)
        rc = cenv_json_set_cstr(doc, "subdir", cenv_platform_subdir());
    if (rc == 0)
        rc = cenv_json_set_str(doc, "prefix",
                               cenv_mf_str(p->manifest, p->manifest->header->prefix));
    if (rc == 0)
        rc = cenv_json_set(doc, "template", cenv_json_dup(p->doc));
    if (rc == 0)
        rc = cenv_json_set(doc, "requests", requests_of(p));
    snprintf(path, sizeof(path), "%u/" CENV_ARCHIVE_HEAD, p->n);
    rc = rc < 0 ? cenv_error_oom(p->export->err) : put_text(p->export, path, doc);
    cenv_json_free(doc);
    return rc;
}

static int put_end(struct packing *p)
{
    char path[64], hex[CENV_DIGEST_HEX_MAX];
    struct cenv_json *doc = cenv_json_object();
    int rc = cenv_digest_hex(p->sum.sha256, hex);
    if (rc == 0)
        rc = cenv_json_set_int(doc, "members", (int64_t)p->sum.members);
    if (rc == 0)
        rc = cenv_json_set_cstr(doc, "sha256", hex);
    snprintf(path, sizeof(path), "%u/" CENV_ARCHIVE_END, p->n);
    rc = rc < 0 ? cenv_error_oom(p->export->err) : put_text(p->export, path, doc);
    cenv_json_free(doc);
    return rc;
}

static int note_template(struct packing *p)
{
    struct cenv_json *note = cenv_json_object();
    int rc = cenv_json_set_cstr(note, "id", p->id);
    if (rc == 0)
        rc = cenv_json_set_int(note, "members", (int64_t)p->sum.members);
    if (rc == 0)
        rc = cenv_json_set_int(note, "bytes", (int64_t)p->sum.bytes);
    if (rc == 0)
        rc = cenv_json_set(note, "skipped", p->skipped);
    p->skipped = NULL;
    if (rc < 0)
        cenv_json_free(note);
    else
        rc = cenv_json_append(p->export->templates, note);
    return rc < 0 ? cenv_error_oom(p->export->err) : 0;
}

static int open_template(struct packing *p)
{
    struct export *x = p->export;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(x->store, p->id, &p->doc, &st, x->err);
    if (rc != 0)
        return rc < 0 ? rc
                      : cenv_error_set(x->err, CENV_EUSAGE, "no template '%s' in %s",
                                       p->id, x->store->path);
    p->dir = cenv_fs_open_dir(x->store->dirs[CENV_STORE_TEMPLATES], p->id, x->err);
    if (p->dir < 0)
        return p->dir;
    if (cenv_raw_stat(p->dir, CENV_TEMPLATE_OWNER, &st) == 0)
        return cenv_error_set(x->err, CENV_EUSAGE,
                              "template %.12s serves one run only: its set-up has no "
                              "key that tells it from others",
                              p->id);
    p->prefix = cenv_fs_open_dir(p->dir, CENV_TEMPLATE_PREFIX, x->err);
    return p->prefix < 0 ? p->prefix
                         : cenv_manifest_open(&p->manifest, p->dir,
                                              CENV_TEMPLATE_MANIFEST, x->err);
}

/* FIFOs and sockets. */
static int skip_noted(struct packing *p, const struct cenv_mf_note *note)
{
    return note->kind == CENV_NOTE_SKIPPED
               ? skip(p, cenv_mf_str(p->manifest, note->path),
                      cenv_mf_cstr(p->manifest, note->reason))
               : 0;
}

static int put_template(struct packing *p)
{
    int rc = open_template(p);
    if (rc < 0)
        return rc;
    cenv_dirs_init(&p->dirs, p->prefix);
    rc = put_head(p);
    for (uint32_t i = 0; i < p->manifest->nr_dirs && rc == 0; i++)
        rc = put_dir(p, &p->manifest->dirs[i]);
    for (uint32_t i = 0; i < p->manifest->nr_notes && rc == 0; i++)
        rc = skip_noted(p, &p->manifest->notes[i]);
    if (rc == 0)
        rc = put_end(p);
    cenv_dirs_release(&p->dirs);
    if (rc == 0)
        rc = note_template(p);
    return rc;
}

static int pack_template(struct export *x, unsigned n, const char *id)
{
    struct packing p = {.export = x, .n = n, .id = id, .dir = -1, .prefix = -1};
    cenv_buf_init(&p.path, 1 << 16);
    cenv_buf_init(&p.link, 1 << 16);
    p.sum.sha256 = cenv_digest_new(CENV_SHA256);
    p.skipped = cenv_json_array();
    int rc = p.sum.sha256 && p.skipped ? put_template(&p) : cenv_error_oom(x->err);
    cenv_json_free(p.skipped);
    cenv_json_free(p.doc);
    cenv_manifest_free(p.manifest);
    cenv_digest_free(p.sum.sha256);
    cenv_buf_release(&p.path);
    cenv_buf_release(&p.link);
    cenv_fd_close(p.prefix);
    cenv_fd_close(p.dir);
    return rc;
}

/* ---- the archive ---- */

static int open_archive(struct export *x, const char *path)
{
    struct cenv_buf parent;
    x->path = cenv_fs_abspath(path, x->err);
    if (!x->path)
        return x->err->status;
    cenv_buf_init(&parent, 1 << 16);
    cenv_buf_add_str(&parent, cenv_path_parent(cenv_str(x->path)));
    x->temp = cenv_fs_unique_name(".cenv-export");
    x->block = cenv_malloc(BLOCK);
    x->templates = cenv_json_array();
    if (parent.failed || !x->temp || !x->block || !x->templates) {
        cenv_buf_release(&parent);
        return cenv_error_oom(x->err);
    }
    x->parent = cenv_fs_open_root(parent.data, x->err);
    cenv_buf_release(&parent);
    if (x->parent < 0)
        return x->parent;
    x->file = cenv_fs_create(x->parent, x->temp, 0666, x->err);
    if (x->file < 0)
        return x->file;
    struct cenv_output file = {write_file, x};
    int rc = cenv_encoder_new(&x->encoder, CENV_CODEC_ZSTD, ZSTD_LEVEL, file, x->err);
    x->tar = (struct cenv_output){encoder_write, x->encoder};
    return rc;
}

static int close_archive(struct export *x, bool replace)
{
    struct cenv_str name = cenv_path_base(cenv_str(x->path));
    int rc = cenv_tar_write_end(x->tar, x->err);
    if (rc == 0)
        rc = cenv_encoder_finish(x->encoder, x->err);
    if (rc < 0)
        return rc;
    rc = replace ? cenv_raw_rename(x->parent, x->temp, x->parent, name.data)
                 : cenv_raw_rename_noreplace(x->parent, x->temp, x->parent, name.data);
    if (rc == -EEXIST) {
        cenv_error_set(x->err, CENV_EUSAGE, "'%s' is there already", x->path);
        return cenv_error_hint(x->err, "give another name, or ask for it to be "
                                       "replaced (--force)");
    }
    if (rc < 0)
        return cenv_fs_fail(x->err, rc, x->parent, name.data, "cannot write");
    cenv_free(x->temp);
    x->temp = NULL;
    return 0;
}

static void release(struct export *x)
{
    cenv_encoder_free(x->encoder);
    cenv_fd_close(x->file);
    if (x->temp && x->parent >= 0)
        cenv_raw_unlink(x->parent, x->temp);
    cenv_fd_close(x->parent);
    cenv_free(x->temp);
    cenv_free(x->path);
    cenv_free(x->block);
    cenv_json_free(x->templates);
}

static int reply(struct export *x, uint64_t started_ns, struct cenv_buf *out)
{
    struct cenv_stat st = {0};
    struct cenv_json *doc = cenv_json_object();
    cenv_raw_stat_fd(x->file, &st);
    int rc = cenv_json_set_cstr(doc, "path", x->path);
    if (rc == 0)
        rc = cenv_json_set_int(doc, "size", (int64_t)st.size);
    if (rc == 0)
        rc = cenv_json_set(doc, "templates", x->templates);
    x->templates = NULL;
    double seconds = (double)(cenv_clock_ns() - started_ns) / 1e9;
    if (rc == 0)
        rc = cenv_json_set(doc, "seconds", cenv_json_number(seconds));
    if (rc == 0)
        rc = cenv_json_print(doc, 0, out);
    cenv_json_free(doc);
    return rc < 0 ? cenv_error_oom(x->err) : 0;
}

static int pack_all(struct export *x, const struct cenv_json *ids)
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
    if (rc == 0 && n == 0) {
        rc = cenv_error_set(x->err, CENV_EUSAGE, "there is no template to export");
        cenv_error_hint(x->err, "build one: cenv template build SPEC ...");
    }
    return rc;
}

int cenv_template_export(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    uint64_t started_ns = cenv_clock_ns();
    struct export x = {
        .store = store, .parent = -1, .file = -1, .task = task, .err = err};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_EXPORT, "");
    struct cenv_json *options = NULL;
    struct cenv_lease *lease = NULL;
    int rc = cenv_json_parse(&options, cenv_str(options_json), "the options", err);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = open_archive(&x, path);
    cenv_task_progress(task, CENV_STAGE_EXPORT, 0);
    if (rc == 0)
        rc = pack_all(&x, cenv_json_get(options, "ids"));
    if (rc == 0)
        rc = close_archive(&x, cenv_json_get_true(options, "replace"));
    if (rc == 0)
        rc = reply(&x, started_ns, out);
    cenv_span_end(task, &span);
    release(&x);
    cenv_lease_free(lease);
    cenv_json_free(options);
    return rc;
}
