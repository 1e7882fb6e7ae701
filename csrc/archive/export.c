/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing an archive of templates: each is sent to it as to a remote. Without packages it holds all
 * files, and is enough by itself; what several templates have is in it once.
 */
#include <errno.h>
#include <stdio.h>

#include "archive/parcel.h"
#include "archive/sending.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "cenv.h"
#include "codec/json_writer.h"
#include "codec/options.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/fs_rename.h"
#include "os/fs_where.h"
#include "os/path.h"
#include "os/sibling.h"
#include "store/clone_registry.h"
#include "store/layout.h"

enum { PATH_BYTES_MAX = 1 << 16 };

#define FILE_NAME "archive" /* in its sibling */

struct wanted {
    const struct cenv_json *ids;
    bool replace, linked, packages;
    struct cenv_fetch_options fetch;
};

struct exporter {
    struct cenv_store *store;
    struct wanted wanted;
    int parent, dir, file;
    char *path, *temp; /* the archive's; its sibling's, which is open as `dir` */
    struct cenv_bundle *bundle;
    struct cenv_remote *remote; /* that is the bundle */
    struct cenv_delta_contents contents;
    struct cenv_lock *claim; /* of the path: one process at a time writes there */
    uint64_t start_ns;
    struct cenv_json_writer reply; /* the array of templates is open */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- one template ---- */

static enum cenv_sending_form form_of(const struct wanted *wanted)
{
    if (wanted->packages)
        return CENV_SENDING_PACKAGES;
    return wanted->linked ? CENV_SENDING_REFERENCES : CENV_SENDING_FILES;
}

static int put_description(struct exporter *x, const struct cenv_sending *sending)
{
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_PARCEL_MAX);
    int rc = cenv_sending_describe(sending, &text);
    if (rc == 0)
        rc = cenv_remote_put(x->remote, sending->template->id, cenv_buf_str(&text),
                             NULL, 0, x->task, x->err);
    cenv_buf_release(&text);
    return rc;
}

static void tell_template(struct exporter *x, const struct cenv_sending *sending)
{
    struct cenv_json_writer *w = &x->reply;
    cenv_json_write_end(w);
    cenv_json_write_u64(w, "members", sending->delta.entries);
    cenv_json_write_u64(w, "bytes", sending->delta.bytes);
    cenv_json_write_u64(w, "shared", sending->delta.shared);
    cenv_json_write_bool(w, "linked", sending->delta.linked);
    cenv_json_write_u64(w, "packages", sending->packages.nr);
    cenv_json_write_end(w);
}

static int put_template(struct exporter *x, const struct cenv_outgoing *template)
{
    struct cenv_sending sending = {.template = template,
                                   .remote = x->remote,
                                   .form = form_of(&x->wanted),
                                   .fetch = &x->wanted.fetch,
                                   .contents = &x->contents,
                                   .skipped = &x->reply};
    cenv_json_write_object(&x->reply, NULL);
    cenv_json_write_cstr(&x->reply, "id", template->id);
    cenv_json_write_array(&x->reply, "skipped");
    int rc = cenv_sending_send(&sending);
    if (rc == 0)
        rc = put_description(x, &sending);
    tell_template(x, &sending);
    cenv_sending_release(&sending);
    return rc;
}

static int pack_template(struct exporter *x, const char *id)
{
    struct cenv_outgoing template;
    int rc = cenv_outgoing_open(&template, x->store, id, x->task, x->err);
    if (rc == 0)
        rc = put_template(x, &template);
    cenv_outgoing_close(&template);
    return rc;
}

/* ---- the archive ---- */

static int open_parent(struct exporter *x)
{
    struct cenv_buf parent;
    cenv_buf_init(&parent, PATH_BYTES_MAX);
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
    if (!x->temp)
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
        rc = cenv_bundle_create(&x->bundle, x->file, x->err);
    if (rc == 0)
        rc = cenv_remote_open_bundle(&x->remote, x->bundle, x->err);
    return rc;
}

static int publish_archive(struct exporter *x)
{
    const char *name = name_of(x);
    int failed = x->wanted.replace
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

static int close_archive(struct exporter *x)
{
    int rc = cenv_bundle_finish(x->bundle, x->err);
    if (rc == 0)
        rc = finish_reply(x);
    if (rc == 0)
        rc = publish_archive(x);
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
    cenv_remote_free(x->remote);
    cenv_bundle_free(x->bundle);
    cenv_fd_close(x->file);
    remove_sibling(x);
    cenv_fd_close(x->dir);
    cenv_fd_close(x->parent);
    cenv_free(x->temp);
    cenv_free(x->path);
    cenv_delta_contents_release(&x->contents);
}

static int pack_all(struct exporter *x)
{
    const struct cenv_json *id;
    int rc = 0;
    cenv_json_each(id, x->wanted.ids)
    {
        const char *text = cenv_json_cstr(id);
        if (rc == 0)
            rc = pack_template(x, text ? text : "");
    }
    if (rc < 0 || cenv_json_len(x->wanted.ids))
        return rc;
    cenv_error_set(x->err, CENV_EUSAGE, "there is no template to export");
    return cenv_error_hint(x->err, "build one: cenv template build SPEC ...");
}

/* ---- the call ---- */

static int parse_options(struct exporter *x, struct cenv_json **doc, const char *text)
{
    static const struct cenv_option table[] = {
        {"ids", CENV_OPTION_LIST, offsetof(struct wanted, ids), NULL},
        {"replace", CENV_OPTION_BOOL, offsetof(struct wanted, replace), NULL},
        {"linked", CENV_OPTION_BOOL, offsetof(struct wanted, linked), NULL},
        {"packages", CENV_OPTION_BOOL, offsetof(struct wanted, packages), NULL},
        CENV_FETCH_OPTION_ROWS(struct wanted, fetch),
    };
    static const struct cenv_options options = CENV_OPTIONS("template export", table);
    return cenv_options_parse(&options, doc, text, &x->wanted, x->err);
}

static int export_templates(struct exporter *x, const char *path, struct cenv_buf *out)
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
        rc = pack_all(x);
    if (rc == 0)
        rc = close_archive(x);
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
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    int rc = parse_options(&x, &doc, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = export_templates(&x, path, out);
    release_exporter(&x);
    cenv_lease_free(lease);
    cenv_json_free(doc);
    return rc;
}
