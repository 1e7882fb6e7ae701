/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking in an archive of templates. Each is unpacked into a scratch directory of the store, its
 * sum compared, then cloned (by links: both lie in there) to where it belongs, which relocates it
 * from the prefix on the machine that wrote it, and published by one rename.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hex.h"
#include "cenv.h"
#include "clone/clone_tree.h"
#include "codec/options.h"
#include "manifest/manifest_foreign.h"
#include "model/matchspec_match.h"
#include "model/platform.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/host.h"
#include "os/lock.h"
#include "solve/request.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/template_entry.h"
#include "template/archive.h"
#include "template/archive_reader.h"
#include "template/description.h"
#include "template/template_id.h"
#include "template/templates.h"
#include "template/unpack.h"

enum { PATH_BYTES_MAX = 1 << 20, THREADS_MAX = 4, REQUEST_MAX = 128 };

struct importer {
    struct cenv_store *store;
    struct cenv_archive_reader reader;
    struct cenv_arena arena;
    struct cenv_request machine;   /* only its virtual packages */
    struct cenv_json_writer reply; /* the array of templates is open */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* One template on its way in. */
struct arrival {
    struct importer *importer;
    unsigned n;
    struct cenv_json *head;
    const struct cenv_json *doc; /* template.json, in `head` */
    const char *id, *from;       /* in `head`; `from`: the prefix its files name */
    struct cenv_scratch scratch;
    bool taken; /* it was not there */
};

/* ---- what it says it is ---- */

static bool machine_has(const struct importer *x, const struct cenv_matchspec *spec)
{
    for (size_t i = 0; i < x->machine.nr_virtuals; i++) {
        const struct cenv_record *have = &x->machine.virtuals[i];
        if (cenv_matchspec_match_nvb(spec, have->name, have->parsed, have->build))
            return true;
    }
    return false;
}

/* Solved for another machine: what its packages want of this one must be here. */
static int check_depend(struct importer *x, struct cenv_str text, struct cenv_str name)
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

static int check_subdir(const struct arrival *a)
{
    struct cenv_error *err = a->importer->err;
    const char *subdir = cenv_json_get_cstr(a->head, "subdir");
    if (subdir && strcmp(subdir, cenv_platform_subdir()) == 0)
        return 0;
    cenv_error_set(err, CENV_EPREFIX, "it is for %s, this machine is %s",
                   subdir ? subdir : "no platform", cenv_platform_subdir());
    return cenv_error_hint(err, "export it on a machine of this kind");
}

static int check_depends(struct importer *x, const struct cenv_json *record)
{
    struct cenv_str name = cenv_json_get_str(record, "name");
    const struct cenv_json *text;
    int rc = 0;
    cenv_json_each(text, cenv_json_get(record, "depends"))
    {
        if (rc == 0)
            rc = check_depend(x, cenv_json_str(text), name);
    }
    return rc;
}

static int check_machine(struct arrival *a)
{
    const struct cenv_json *record;
    int rc = check_subdir(a);
    cenv_json_each(record, cenv_json_get(a->doc, "records"))
    {
        if (rc == 0)
            rc = check_depends(a->importer, record);
    }
    return rc;
}

/* The id says what it is: computed again from the records. */
static int check_id(struct arrival *a)
{
    struct importer *x = a->importer;
    struct cenv_buf id;
    const struct cenv_json *records = cenv_json_get(a->doc, "records");
    if (cenv_json_type(records) != CENV_JSON_ARRAY)
        return cenv_archive_reader_refuse(&x->reader, "it has no records");
    cenv_buf_init(&id, CENV_DIGEST_HEX_MAX);
    int rc =
        cenv_template_id_of_records(records, cenv_json_get_cstr(a->doc, "key"),
                                    cenv_json_get_cstr(a->doc, "base"), &id, x->err);
    if (rc == 0 && !cenv_str_is(cenv_buf_str(&id), a->id))
        rc = cenv_archive_reader_refuse(&x->reader,
                                        "its records are not those of its template");
    cenv_buf_release(&id);
    return rc;
}

static int read_head(struct arrival *a)
{
    struct cenv_archive_reader *reader = &a->importer->reader;
    if (reader->member.type != CENV_MEMBER_FILE ||
        !cenv_archive_is(reader->member.path, a->n, CENV_ARCHIVE_HEAD))
        return cenv_archive_reader_refuse(reader, "it is no archive of templates");
    int rc = cenv_archive_reader_text(reader, "its template.json", &a->head);
    if (rc < 0)
        return rc;
    if (cenv_json_get_int(a->head, "format", 0) != CENV_ARCHIVE_FORMAT)
        return cenv_archive_reader_refuse(
            reader, "it is of another format than this cenv reads");
    a->doc = cenv_json_get(a->head, "template");
    a->id = cenv_json_get_cstr(a->doc, "id");
    a->from = cenv_json_get_cstr(a->head, "prefix");
    if (!a->id || !a->from || a->from[0] != '/' || !a->from[1])
        return cenv_archive_reader_refuse(reader, "its template.json is not whole");
    rc = check_id(a);
    if (rc == 0)
        rc = check_machine(a);
    return rc;
}

/* ---- to its place ---- */

/* The source goes: no inode stays shared. */
static int place_links(const struct arrival *a, const struct cenv_manifest *m, int src,
                       int dst, const char *target)
{
    const struct importer *x = a->importer;
    struct cenv_prepared_clone prepared;
    struct cenv_stat st;
    unsigned cpus = cenv_host_cpus();
    if (cenv_raw_stat_fd(dst, &st) < 0)
        return cenv_error_set(x->err, CENV_EFAIL, "cannot look at the new template");
    int rc = cenv_prepared_clone_init(&prepared, m, src, cenv_str(target), x->err);
    if (rc < 0)
        return rc;
    struct cenv_clone_target to = {dst, 0777 & ~st.mode, CENV_PLACE_HARDLINK};
    rc = cenv_clone_tree_place(&prepared, &to, cpus < THREADS_MAX ? cpus : THREADS_MAX,
                               NULL, x->task, x->err);
    cenv_prepared_clone_release(&prepared);
    if (rc == 0)
        cenv_raw_chmod_fd(dst, m->dirs[0].mode);
    return rc;
}

static int relocate_tree(const struct arrival *a, int src, int dst, const char *target)
{
    const struct importer *x = a->importer;
    struct cenv_manifest *m = NULL;
    int rc = cenv_manifest_of_environment(&m, src, a->from, NULL, x->task, x->err);
    if (rc == 0)
        rc = place_links(a, m, src, dst, target);
    cenv_manifest_free(m);
    return rc;
}

/* src -> entry/prefix in the scratch directory, naming the place where it will be. */
static int fill_entry(const struct arrival *a, int src, int entry, const char *target)
{
    const struct importer *x = a->importer;
    int rc = cenv_fs_mkdir(entry, CENV_TEMPLATE_PREFIX, 0777, x->err);
    if (rc < 0)
        return rc;
    int dst = cenv_fs_open_dir(entry, CENV_TEMPLATE_PREFIX, x->err);
    if (dst < 0)
        return dst;
    rc = relocate_tree(a, src, dst, target);
    if (rc == 0)
        rc = cenv_description_save_manifest(entry, dst, target, x->task, x->err);
    if (rc == 0)
        rc = cenv_description_save(entry, a->doc, x->err);
    cenv_fd_close(dst);
    return rc;
}

static int make_entry(const struct arrival *a, int src)
{
    const struct importer *x = a->importer;
    struct cenv_buf target;
    int entry = -1, rc = cenv_fs_mkdir(a->scratch.fd, "entry", 0755, x->err);
    cenv_buf_init(&target, PATH_BYTES_MAX);
    if (rc == 0 && !cenv_template_entry_add_prefix(x->store, a->id, &target))
        rc = cenv_error_oom(x->err);
    if (rc == 0)
        rc = entry = cenv_fs_open_dir(a->scratch.fd, "entry", x->err);
    if (rc >= 0)
        rc = fill_entry(a, src, entry, target.data);
    cenv_fd_close(entry);
    cenv_buf_release(&target);
    return rc;
}

/* In the place of what lies there without a whole template.json: that was never finished. */
static int publish_entry(const struct arrival *a)
{
    const struct importer *x = a->importer;
    int rc = cenv_publish_sync(x->store, x->err);
    if (rc < 0)
        return rc;
    return cenv_publish_entry(a->scratch.fd, "entry",
                              x->store->dirs[CENV_STORE_TEMPLATES], a->id, true,
                              x->err);
}

static int unpack_to_place(struct arrival *a)
{
    struct importer *x = a->importer;
    struct cenv_unpack unpack = {&x->reader, a->n, a->from, x->store->path};
    int rc = cenv_fs_mkdir(a->scratch.fd, "src", 0700, x->err);
    if (rc < 0)
        return rc;
    int src = cenv_fs_open_dir(a->scratch.fd, "src", x->err);
    if (src < 0)
        return src;
    rc = cenv_unpack_members(&unpack, src);
    if (rc == 0)
        rc = make_entry(a, src);
    if (rc == 0)
        rc = publish_entry(a);
    cenv_fd_close(src);
    return rc;
}

static int take_in(struct arrival *a)
{
    struct importer *x = a->importer;
    int rc = cenv_scratch_open(x->store, &a->scratch, x->err);
    if (rc < 0)
        return rc;
    rc = unpack_to_place(a);
    a->taken = rc == 0;
    cenv_scratch_close(x->store, &a->scratch);
    return rc;
}

/* Under the lock of its builders: one that wants it meanwhile waits for this. */
static int find_or_take_in(struct arrival *a)
{
    struct importer *x = a->importer;
    struct cenv_unpack unpack = {.reader = &x->reader, .n = a->n};
    struct cenv_lock *lock;
    int rc = cenv_template_entry_lock(x->store, a->id, &lock, x->task, x->err);
    if (rc < 0)
        return rc;
    rc = cenv_template_entry_find(x->store, a->id, x->err);
    if (rc == 0)
        rc = cenv_unpack_nothing(&unpack);
    else if (rc == 1)
        rc = take_in(a);
    cenv_template_entry_unlock(x->store, a->id, lock);
    return rc;
}

/* ---- what is told of it ---- */

static bool is_request_file(struct cenv_str name)
{
    unsigned char raw[(CENV_STORE_KEY - 1) / 2];
    return name.len == CENV_STORE_KEY - 1 + strlen(".json") &&
           cenv_str_ends(name, CENV_STR(".json")) &&
           cenv_unhex(cenv_str_slice(name, 0, CENV_STORE_KEY - 1), raw, sizeof(raw));
}

/* Only names that requests have, and only this template's: an archive answers for nothing else. */
static int enter_requests(const struct arrival *a)
{
    const struct importer *x = a->importer;
    const struct cenv_json *item;
    char text[REQUEST_MAX];
    int rc = 0, requests = x->store->dirs[CENV_STORE_REQUESTS];
    snprintf(text, sizeof(text), "{\"id\":\"%s\"}", a->id);
    cenv_json_each(item, cenv_json_get(a->head, "requests"))
    {
        const char *name = cenv_json_key(item);
        if (rc == 0 && name && is_request_file(cenv_str(name)) &&
            !cenv_fs_exists(requests, name))
            rc = cenv_fs_write_atomic(requests, name, cenv_str(text), 0644, x->err);
    }
    return rc;
}

static int reply_template(struct arrival *a)
{
    struct importer *x = a->importer;
    struct cenv_json_writer *w = &x->reply;
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(x->store, a->id, &doc, &st, x->err);
    if (rc == 1)
        rc = cenv_error_set(x->err, CENV_EFAIL, "it vanished");
    if (rc == 0) {
        cenv_json_write_object(w, NULL);
        cenv_templates_write(w, x->store, a->id, &st, doc);
        cenv_json_write_bool(w, "imported", a->taken);
        cenv_json_write_end(w);
    }
    cenv_json_free(doc);
    return rc;
}

static int import_template(struct importer *x, unsigned n)
{
    struct arrival arrival = {.importer = x, .n = n};
    int rc = read_head(&arrival);
    if (rc == 0)
        rc = find_or_take_in(&arrival);
    if (rc == 0)
        rc = enter_requests(&arrival);
    if (rc == 0)
        rc = reply_template(&arrival);
    cenv_json_free(arrival.head);
    return rc;
}

/* ---- the archive ---- */

static int import_all(struct importer *x, const char *path)
{
    unsigned n = 0;
    int rc = cenv_archive_reader_open(&x->reader, path, x->task, x->err);
    while (rc == 0 && (rc = cenv_archive_reader_next(&x->reader)) == 1)
        rc = import_template(x, n++);
    if (rc == 0 && n == 0)
        rc = cenv_archive_reader_refuse(&x->reader, "it is no archive of templates");
    if (rc == CENV_EINTEGRITY || rc == CENV_EPREFIX)
        cenv_error_prefix(x->err, "archive '%s'", path);
    cenv_archive_reader_close(&x->reader);
    return rc;
}

static int reply_import(struct importer *x, const char *path, struct cenv_buf *out)
{
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_span span = cenv_span_begin(CENV_STAGE_IMPORT, "");
    struct cenv_json_writer *w = &x->reply;
    size_t before = out->len;
    cenv_json_writer_init(w, out, 0);
    cenv_json_write_object(w, NULL);
    cenv_json_write_array(w, "templates");
    int rc = import_all(x, path);
    cenv_span_end(x->task, &span);
    if (rc == 0) {
        cenv_json_write_end(w);
        cenv_json_write_seconds(w, "seconds", cenv_clock_ns() - start_ns);
        cenv_json_write_end(w);
        rc = cenv_json_writer_finish(w, x->err);
    }
    if (rc < 0)
        out->len = before;
    return rc;
}

struct options {
    const struct cenv_json *virtual_packages;
};

static int parse_options(struct importer *x, const char *text)
{
    static const struct cenv_option table[] = {
        {"virtual_packages", CENV_OPTION_LIST,
         offsetof(struct options, virtual_packages), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template import", table);
    struct options wanted = {0};
    struct cenv_json *doc = NULL;
    int rc = cenv_options_parse(&options, &doc, text, &wanted, x->err);
    if (rc == 0)
        rc = cenv_request_parse_virtuals(&x->machine, wanted.virtual_packages,
                                         &x->arena, x->err);
    cenv_json_free(doc);
    return rc;
}

int cenv_template_import(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct importer x = {.store = store, .task = task, .err = err};
    struct cenv_lease *lease = NULL;
    cenv_arena_init(&x.arena);
    int rc = parse_options(&x, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = reply_import(&x, path, out);
    cenv_lease_free(lease);
    cenv_arena_release(&x.arena);
    return rc;
}
