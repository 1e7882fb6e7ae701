/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drafts: templates that the caller changes. What is installed into an environment writes the
 * environment's path down, so a draft lies at its final place from the start; it counts as there
 * when its template.json is, which is written last.
 */
#include "base/alloc.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "store/clone_registry.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/build.h"
#include "template/description.h"

enum { PATH_BYTES_MAX = 1 << 20 };

struct cenv_draft {
    struct cenv_build build;
    int dir; /* templates/<id> */
};

/* In the place of what a killed draft left. */
static int open_place(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    draft->dir = cenv_template_entry_make(build->store, build->id.data, build->err);
    if (draft->dir < 0)
        return draft->dir;
    return cenv_fs_mkdir(draft->dir, CENV_TEMPLATE_PREFIX, 0755, build->err);
}

/* ---- derived templates: a base, and the packages it lacks ---- */

static int load_base(struct cenv_build *build)
{
    const char *id = build->options.base;
    struct cenv_stat st;
    if (!id)
        return 0;
    int rc = cenv_template_entry_load(build->store, id, &build->base, &st, build->err);
    if (rc == 1)
        rc = cenv_error_set(build->err, CENV_EUSAGE, "base: no template '%s' in %s", id,
                            build->store->path);
    return rc;
}

static bool has_record(const struct cenv_json *list, const struct cenv_json *wanted)
{
    const struct cenv_json *record;
    cenv_json_each(record, list)
    {
        if (cenv_str_eq(cenv_json_get_str(record, "sha256"),
                        cenv_json_get_str(wanted, "sha256")))
            return true;
    }
    return false;
}

/* Adds copies of the records of `from` that are not in `but`; false: no memory. */
static bool append_records(struct cenv_json *list, const struct cenv_json *from,
                           const struct cenv_json *but)
{
    const struct cenv_json *record;
    cenv_json_each(record, from)
    {
        if (!has_record(but, record) && !cenv_json_append(list, cenv_json_dup(record)))
            return false;
    }
    return true;
}

/* Makes the records those of `first`, then those of `second`, without those of `but`. */
static int set_records(struct cenv_build *build, const struct cenv_json *first,
                       const struct cenv_json *second, const struct cenv_json *but)
{
    struct cenv_json *list = cenv_json_array();
    if (!list || !append_records(list, first, but) ||
        !append_records(list, second, but)) {
        cenv_json_free(list);
        return cenv_error_oom(build->err);
    }
    cenv_json_free(build->records);
    build->records = list;
    return 0;
}

/* Of the base's inodes none: reflinks, or copies. It is no clone to be reset or swept. */
static int clone_base(struct cenv_build *build)
{
    static const char *const modes[] = {"{\"mode\":\"reflink\"}",
                                        "{\"mode\":\"copy\"}"};
    const char *id = cenv_json_get_cstr(build->base, "id");
    struct cenv_buf from, report;
    int rc = CENV_ELINK;
    cenv_buf_init(&from, PATH_BYTES_MAX);
    cenv_buf_init(&report, SIZE_MAX / 2);
    if (!cenv_template_entry_add_prefix(build->store, id, &from))
        rc = cenv_error_oom(build->err);
    for (int i = 0; rc == CENV_ELINK && i < 2; i++) {
        cenv_error_release(build->err);
        rc = cenv_clone(build->store, from.data, build->target.data, modes[i],
                        build->task, &report, build->err);
    }
    if (rc == 0)
        rc = cenv_clone_registry_forget(build->store, build->target.data, build->err);
    cenv_buf_release(&from);
    cenv_buf_release(&report);
    return rc;
}

/* What the base has is there; only the rest is fetched and linked. */
static int derive_from_base(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    const struct cenv_json *below = cenv_json_get(build->base, "records");
    int rc = set_records(build, build->records, NULL, below);
    if (rc == 0)
        rc = cenv_build_fetch(build);
    if (rc == 0)
        rc = open_place(draft);
    if (rc == 0)
        rc = clone_base(build);
    if (rc == 0 && cenv_json_len(build->records) > 0)
        rc = cenv_build_link(build, build->target.data, NULL);
    if (rc == 0)
        rc = set_records(build, below, build->records, NULL);
    return rc;
}

/* ---- drafting ---- */

static int fill_place(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    int rc = load_base(build);
    if (rc == 0 && build->base)
        return derive_from_base(draft);
    if (rc == 0)
        rc = cenv_build_fetch(build);
    if (rc == 0)
        rc = open_place(draft);
    if (rc == 0)
        rc = cenv_build_link(build, build->target.data, NULL);
    return rc;
}

/* 0 drafted, 1 there already, or a status. The lock stays with a draft. */
static int find_or_draft(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    bool rebuild = build->options.rebuild;
    int rc = rebuild ? 1 : cenv_build_is_there(build);
    if (rc == 1)
        rc = cenv_build_lock(build);
    else if (rc == 0)
        return 1;
    if (rc < 0)
        return rc;
    rc = cenv_build_is_there(build);
    if (rc == 1 || (rc == 0 && rebuild))
        return fill_place(draft);
    cenv_build_unlock(build);
    return rc < 0 ? rc : 1;
}

static int reply_draft(struct cenv_draft *draft, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_str(&w, "id", cenv_buf_str(&draft->build.id));
    cenv_json_write_str(&w, "prefix", cenv_buf_str(&draft->build.target));
    cenv_json_write_bool(&w, "built", true);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, draft->build.err);
}

static void free_draft(struct cenv_draft *draft)
{
    if (draft->build.lock)
        cenv_build_unlock(&draft->build);
    cenv_build_end(&draft->build);
    cenv_fd_close(draft->dir);
    cenv_free(draft);
}

void cenv_draft_discard(struct cenv_draft *draft)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    if (!draft)
        return;
    if (draft->build.lock && draft->dir >= 0)
        cenv_publish_withdraw(draft->build.store,
                              draft->build.store->dirs[CENV_STORE_TEMPLATES],
                              draft->build.id.data, NULL, &ignored);
    cenv_error_release(&ignored);
    free_draft(draft);
}

int cenv_draft_open(struct cenv_draft **out_draft, struct cenv_store *store,
                    const char *records_json, const char *options_json,
                    struct cenv_task *task, struct cenv_buf *out,
                    struct cenv_error *err)
{
    struct cenv_draft *draft = cenv_calloc(1, sizeof(*draft));
    *out_draft = NULL;
    if (!draft)
        return cenv_error_oom(err);
    draft->dir = -1;
    int rc =
        cenv_build_begin(&draft->build, store, records_json, options_json, task, err);
    if (rc == 0)
        rc = find_or_draft(draft);
    bool drafted = rc == 0;
    if (drafted)
        rc = reply_draft(draft, out);
    else if (rc == 1)
        rc = cenv_build_reply(&draft->build, false, out);
    if (drafted && rc == 0)
        *out_draft = draft;
    else
        cenv_draft_discard(draft);
    return rc;
}

static int describe_draft(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    int prefix = cenv_fs_open_dir(draft->dir, CENV_TEMPLATE_PREFIX, build->err);
    if (prefix < 0)
        return prefix;
    int rc = cenv_description_save_manifest(draft->dir, prefix, build->target.data,
                                            build->task, build->err);
    if (rc == 0)
        rc = cenv_publish_sync(build->store, build->task, build->err);
    if (rc == 0)
        rc = cenv_build_describe(build, draft->dir, prefix);
    cenv_fd_close(prefix);
    return rc;
}

int cenv_draft_commit(struct cenv_draft *draft, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err)
{
    int rc = 0;
    draft->build.task = task;
    draft->build.err = err;
    /* A set-up that nothing tells from another serves one run, and ends with its process. */
    if (draft->build.options.transient)
        rc =
            cenv_template_entry_save_owner(draft->dir, draft->build.options.owner, err);
    if (rc == 0)
        rc = describe_draft(draft);
    if (rc == 0)
        rc = cenv_build_reply(&draft->build, true, out);
    if (rc == 0)
        free_draft(draft);
    else
        cenv_draft_discard(draft);
    return rc;
}
