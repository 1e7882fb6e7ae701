/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building templates: fetch, link into a scratch directory with the final path as target prefix,
 * describe, publish by one rename. A second builder waits for the first on a lock and takes what
 * that made; when the first dies, the kernel opens the lock and the second builds.
 */
#include "template/build.h"

#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "codec/json.h"
#include "link/input.h"
#include "link/link.h"
#include "link/plan_manifest.h"
#include "manifest/manifest.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/fs_where.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/template_entry.h"
#include "template/build_options.h"
#include "template/description.h"
#include "template/template_id.h"
#include "template/templates.h"

enum { PATH_BYTES_MAX = 1 << 20 };

/* ---- input ---- */

int cenv_build_fetch(struct cenv_build *build)
{
    struct cenv_json *records = NULL;
    int rc =
        cenv_fetch_packages_obtain(build->store, build->records, &build->options.fetch,
                                   build->task, &records, build->err);
    if (rc == 0) {
        cenv_json_free(build->records);
        build->records = records;
    }
    return rc;
}

static int read_input(struct cenv_build *build, const char *records_json,
                      const char *options_json)
{
    int rc = cenv_build_options_parse(&build->options, options_json, build->err);
    if (rc == 0)
        rc = cenv_json_parse(&build->records, cenv_str(records_json),
                             "the template's records", build->err);
    if (rc == 0 && cenv_json_type(build->records) != CENV_JSON_ARRAY)
        rc = cenv_error_set(build->err, CENV_EUSAGE,
                            "a template's records are an array");
    if (rc == 0)
        rc = cenv_link_input_check(build->records, build->err);
    return rc;
}

static int find_id(struct cenv_build *build)
{
    int rc = 0;
    if (!cenv_template_id_is_told(build->records))
        rc = cenv_build_fetch(build);
    if (rc == 0)
        rc = cenv_template_id_of_records(build->records, build->options.key,
                                         build->options.base, &build->id, build->err);
    if (rc == 0 &&
        !cenv_template_entry_add_prefix(build->store, build->id.data, &build->target))
        rc = cenv_error_oom(build->err);
    return rc;
}

/* ---- linking ---- */

static const struct cenv_json *find_python(const struct cenv_json *records)
{
    const struct cenv_json *record;
    cenv_json_each(record, records)
    {
        if (cenv_str_is(cenv_json_get_str(record, "name"), "python"))
            return record;
    }
    return NULL;
}

int cenv_build_link(struct cenv_build *build, const char *dir,
                    struct cenv_link_plan **plan)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_link_package *packages = NULL;
    struct cenv_link_stats stats = {0};
    struct cenv_link_options options = {
        .store = build->store,
        .target_prefix = build->target.data,
        .mode = CENV_PLACE_AUTO,
        .own_inodes = true,
        .keep_sites = true,
        .cmd = "cenv create", /* conda passes over the specs of a block without one */
        .time = (int64_t)time(NULL),
        .onto = build->base != NULL,
        .python = find_python(cenv_json_get(build->base, "records")),
    };
    size_t nr = 0;
    int rc = cenv_link_input_packages(build->store, build->records, &arena, &packages,
                                      &nr, build->err);
    if (rc == 0)
        rc = cenv_link_input_specs(build->options.specs, &arena, &options, build->err);
    if (rc == 0)
        rc = cenv_link(dir, packages, nr, &options, plan, &stats, build->task,
                       build->err);
    cenv_link_stats_release(&stats);
    cenv_arena_release(&arena);
    return rc;
}

/* ---- making ---- */

static int save_manifest(struct cenv_build *build, int prefix,
                         const struct cenv_link_plan *plan)
{
    struct cenv_manifest *manifest = NULL;
    int rc = cenv_link_plan_manifest(&manifest, prefix, plan, build->task, build->err);
    if (rc == 0)
        rc = cenv_manifest_save(manifest, build->scratch.fd, CENV_TEMPLATE_MANIFEST,
                                build->err);
    cenv_manifest_free(manifest);
    return rc;
}

/* What it took to have it, from the request on: what each clone of it spares its user. */
static double cost_of(const struct cenv_build *build)
{
    return build->options.solved + (double)(cenv_clock_ns() - build->started_ns) / 1e9;
}

static int write_description(const struct cenv_build *build, struct cenv_buf *out)
{
    const struct cenv_build_options *options = &build->options;
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_u64(&w, "version", 1);
    cenv_json_write_str(&w, "id", cenv_buf_str(&build->id));
    cenv_json_write_i64(&w, "made", (int64_t)time(NULL));
    cenv_json_write_u64(&w, "size", build->bytes);
    cenv_json_write_double(&w, "cost", cost_of(build));
    if (options->specs)
        cenv_json_write_tree(&w, "specs", options->specs);
    else
        cenv_json_write_raw(&w, "specs", CENV_STR("[]"));
    if (options->channels)
        cenv_json_write_tree(&w, "channels", options->channels);
    if (options->base)
        cenv_json_write_cstr(&w, "base", options->base);
    if (options->key)
        cenv_json_write_cstr(&w, "key", options->key);
    if (options->transient)
        cenv_json_write_bool(&w, "transient", true);
    cenv_json_write_tree(&w, "records", build->records);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, build->err);
}

int cenv_build_describe(struct cenv_build *build, int dir, int prefix)
{
    struct cenv_buf text;
    cenv_buf_init(&text, SIZE_MAX / 2);
    int rc = cenv_layout_tree_bytes(prefix, &build->bytes, build->task, build->err);
    if (rc == 0)
        rc = write_description(build, &text);
    if (rc == 0)
        rc = cenv_description_save_text(dir, cenv_buf_str(&text), build->err);
    cenv_buf_release(&text);
    return rc;
}

static int describe_scratch(struct cenv_build *build, const struct cenv_link_plan *plan)
{
    int prefix = cenv_fs_open_dir(build->scratch.fd, CENV_TEMPLATE_PREFIX, build->err);
    if (prefix < 0)
        return prefix;
    int rc = save_manifest(build, prefix, plan);
    if (rc == 0)
        rc = cenv_build_describe(build, build->scratch.fd, prefix);
    cenv_fd_close(prefix);
    return rc;
}

/* The path is that of the descriptor: the store may have moved since it was opened. */
static int fill_scratch(struct cenv_build *build)
{
    struct cenv_buf dir;
    struct cenv_link_plan *plan = NULL;
    cenv_buf_init(&dir, PATH_BYTES_MAX);
    int rc = cenv_fs_mkdir(build->scratch.fd, CENV_TEMPLATE_PREFIX, 0755, build->err);
    if (rc == 0 && !cenv_fs_path_of(build->scratch.fd, CENV_TEMPLATE_PREFIX, &dir))
        rc = cenv_error_oom(build->err);
    if (rc == 0)
        rc = cenv_build_link(build, dir.data, &plan);
    if (rc == 0)
        rc = describe_scratch(build, plan);
    cenv_link_plan_free(plan);
    cenv_buf_release(&dir);
    return rc;
}

/* ---- the reply ---- */

static int write_reply(const struct cenv_build *build, bool built,
                       const struct cenv_stat *st, const struct cenv_json *doc,
                       struct cenv_buf *out)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_templates_write(&w, build->store, build->id.data, st, doc);
    cenv_templates_write_records(&w, doc);
    cenv_json_write_bool(&w, "built", built);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - build->started_ns);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, build->err);
}

/* Of the entry in `dir`, which may not be published yet. */
static int reply_of(struct cenv_build *build, int dir, bool built, struct cenv_buf *out)
{
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    const char *id = build->id.data;
    int rc = dir < 0 ? 1 : cenv_template_entry_read(dir, id, &doc, &st, build->err);
    if (rc == 1)
        rc = cenv_error_set(build->err, CENV_EFAIL, "template %s vanished", id);
    if (rc == 0)
        rc = write_reply(build, built, &st, doc, out);
    cenv_json_free(doc);
    return rc;
}

int cenv_build_reply(struct cenv_build *build, bool built, struct cenv_buf *out)
{
    const char *id = build->id.data;
    int dir = cenv_raw_open_dir(build->store->dirs[CENV_STORE_TEMPLATES], id);
    int rc = reply_of(build, dir, built, out);
    if (rc == 0 && !built)
        cenv_template_entry_touch(build->store, id);
    cenv_fd_close(dir);
    return rc;
}

/* ---- publishing ---- */

/*
 * The scratch directory itself becomes the entry, and what it replaces is removed in its place.
 * What is told of it is made before: nothing can fail after the rename.
 */
static int publish_scratch(struct cenv_build *build, struct cenv_buf *reply)
{
    int templates = build->store->dirs[CENV_STORE_TEMPLATES];
    int tmp = build->store->dirs[CENV_STORE_TMP];
    struct cenv_span span = cenv_span_begin(CENV_STAGE_PUBLISH, build->id.data);
    int rc = cenv_publish_sync(build->store, build->task, build->err);
    cenv_span_end(build->task, &span);
    if (rc == 0 && reply)
        rc = reply_of(build, build->scratch.fd, true, reply);
    if (rc < 0)
        return rc;
    cenv_raw_chmod_fd(build->scratch.fd, 0755);
    return cenv_publish_entry(tmp, build->scratch.name, templates, build->id.data, true,
                              build->err);
}

int cenv_build_make(struct cenv_build *build, struct cenv_buf *reply)
{
    size_t before = reply ? reply->len : 0;
    int rc = cenv_build_fetch(build);
    if (rc == 0)
        rc = cenv_scratch_open(build->store, &build->scratch, build->err);
    if (rc < 0)
        return rc;
    rc = fill_scratch(build);
    if (rc == 0)
        rc = publish_scratch(build, reply);
    if (rc < 0 && reply)
        reply->len = before;
    build->scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(build->store, &build->scratch);
    return rc;
}

/* ---- finding or making ---- */

int cenv_build_is_there(struct cenv_build *build)
{
    return cenv_template_entry_find(build->store, build->id.data, build->err);
}

int cenv_build_lock(struct cenv_build *build)
{
    return cenv_template_entry_lock(build->store, build->id.data, &build->lock,
                                    build->task, build->err);
}

void cenv_build_unlock(struct cenv_build *build)
{
    cenv_template_entry_unlock(build->store, build->id.data, build->lock);
    build->lock = NULL;
}

/* What lies there without a whole template.json was never finished, or was damaged since. */
static int make_unless_there(struct cenv_build *build, bool rebuild,
                             struct cenv_buf *out)
{
    int rc = cenv_build_is_there(build);
    if (rc < 0)
        return rc;
    return rc == 1 || rebuild ? cenv_build_make(build, out)
                              : cenv_build_reply(build, false, out);
}

static int find_or_make(struct cenv_build *build, bool rebuild, struct cenv_buf *out)
{
    int rc = rebuild ? 1 : cenv_build_is_there(build);
    if (rc == 0)
        return cenv_build_reply(build, false, out);
    if (rc == 1)
        rc = cenv_build_lock(build);
    if (rc < 0)
        return rc;
    rc = make_unless_there(build, rebuild, out);
    cenv_build_unlock(build);
    return rc;
}

int cenv_build_begin(struct cenv_build *build, struct cenv_store *store,
                     const char *records_json, const char *options_json,
                     struct cenv_task *task, struct cenv_error *err)
{
    *build = (struct cenv_build){
        .store = store, .started_ns = cenv_clock_ns(), .task = task, .err = err};
    cenv_buf_init(&build->id, CENV_DIGEST_HEX_MAX);
    cenv_buf_init(&build->target, PATH_BYTES_MAX);
    int rc = cenv_lease_take(store, &build->lease, err);
    if (rc == 0)
        rc = read_input(build, records_json, options_json);
    if (rc == 0)
        rc = find_id(build);
    return rc;
}

void cenv_build_end(struct cenv_build *build)
{
    cenv_buf_release(&build->id);
    cenv_buf_release(&build->target);
    cenv_json_free(build->records);
    cenv_build_options_release(&build->options);
    cenv_json_free(build->base);
    cenv_lease_free(build->lease);
}

int cenv_template_build(struct cenv_store *store, const char *records_json,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_build build;
    int rc = cenv_build_begin(&build, store, records_json, options_json, task, err);
    if (rc == 0)
        rc = find_or_make(&build, build.options.rebuild, out);
    cenv_build_end(&build);
    return rc;
}
