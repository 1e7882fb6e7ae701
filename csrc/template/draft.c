/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drafts: templates that the caller changes. What is installed into an environment writes the
 * environment's path down, so a draft lies at its final place from the start; it counts as there
 * when its template.json is, which is written last.
 */
#include <errno.h>

#include "base/alloc.h"
#include "manifest/manifest_foreign.h"
#include "os/fs.h"
#include "store/clone_registry.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/build.h"

struct cenv_draft {
    struct cenv_build build;
    int dir; /* templates/<id> */
};

static int open_place(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    int templates = build->store->dirs[CENV_STORE_TEMPLATES];
    /* What a killed draft left. */
    int rc = cenv_publish_withdraw(build->store, templates, build->id.data, build->err);
    if (rc == 0)
        rc = cenv_fs_mkdir(templates, build->id.data, 0755, build->err);
    if (rc < 0)
        return rc;
    draft->dir = cenv_fs_open_dir(templates, build->id.data, build->err);
    if (draft->dir < 0)
        return draft->dir;
    return cenv_fs_mkdir(draft->dir, CENV_TEMPLATE_PREFIX, 0755, build->err);
}

/* ---- layers: a base, and the packages it lacks ---- */

static int load_base(struct cenv_build *build)
{
    const char *id = cenv_json_get_cstr(build->meta, "base");
    struct cenv_stat st;
    if (!id)
        return 0;
    int rc = cenv_template_entry_load(build->store, id, &build->base, &st, build->err);
    return rc == 1
               ? cenv_error_set(build->err, CENV_EUSAGE, "base: no template '%s' in %s",
                                id, build->store->path)
               : rc;
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

/* A new array of the records of `from` that are not in `but`; NULL when out of memory. */
static struct cenv_json *records_without(const struct cenv_json *from,
                                         const struct cenv_json *but)
{
    struct cenv_json *list = cenv_json_array();
    const struct cenv_json *record;
    int rc = list ? 0 : -1;
    cenv_json_each(record, from)
    {
        if (rc == 0 && !has_record(but, record))
            rc = cenv_json_append(list, cenv_json_dup(record));
    }
    if (rc == 0)
        return list;
    cenv_json_free(list);
    return NULL;
}

/* Of the base's inodes none: reflinks, or copies. It is no clone to be reset or swept. */
static int clone_base(struct cenv_build *build)
{
    static const char *const modes[] = {"{\"mode\":\"reflink\"}",
                                        "{\"mode\":\"copy\"}"};
    const char *id = cenv_json_get_cstr(build->base, "id");
    struct cenv_buf from, report;
    int rc = CENV_ELINK;
    cenv_buf_init(&from, 1 << 20);
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
static int add_layer(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    const struct cenv_json *below = cenv_json_get(build->base, "records");
    struct cenv_json *all = build->records;
    build->records = records_without(all, below);
    cenv_json_free(all);
    int rc = build->records ? cenv_build_fetch(build) : cenv_error_oom(build->err);
    if (rc == 0)
        rc = open_place(draft);
    if (rc == 0)
        rc = clone_base(build);
    if (rc == 0 && cenv_json_len(build->records) > 0)
        rc = cenv_build_link(build, build->target.data, NULL);
    all = rc ? NULL : records_without(below, NULL);
    const struct cenv_json *record;
    cenv_json_each(record, rc ? NULL : build->records)
    {
        if (!all || cenv_json_append(all, cenv_json_dup(record)) < 0)
            rc = cenv_error_oom(build->err);
    }
    if (rc == 0) {
        cenv_json_free(build->records);
        build->records = all;
        all = NULL;
    }
    cenv_json_free(all);
    return rc;
}

/* ---- drafting ---- */

static int fill_place(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    int rc = load_base(build);
    if (rc == 0 && build->base)
        return add_layer(draft);
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
    bool rebuild = cenv_json_get_true(build->meta, "rebuild");
    int rc = rebuild ? 1 : cenv_build_is_there(build);
    if (rc != 1)
        return rc ? rc : 1;
    rc = cenv_build_lock(build);
    if (rc < 0)
        return rc;
    rc = cenv_build_is_there(build);
    if (rc == 1 || (rc == 0 && rebuild))
        return fill_place(draft);
    cenv_build_unlock(build);
    return rc ? rc : 1;
}

static int reply_draft(struct cenv_draft *draft, struct cenv_buf *out)
{
    cenv_buf_addf(out, "{\"id\":\"%s\",\"built\":true,\"path\":", draft->build.id.data);
    cenv_json_quote(out, cenv_buf_str(&draft->build.target));
    return cenv_buf_putc(out, '}') < 0 ? cenv_error_oom(draft->build.err) : 0;
}

static void draft_free(struct cenv_draft *draft)
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
                              draft->build.id.data, &ignored);
    cenv_error_release(&ignored);
    draft_free(draft);
}

int cenv_draft_open(struct cenv_draft **out_draft, struct cenv_store *store,
                    const char *records_json, const char *meta_json,
                    struct cenv_task *task, struct cenv_buf *out,
                    struct cenv_error *err)
{
    struct cenv_draft *draft = cenv_calloc(1, sizeof(*draft));
    if (!draft)
        return cenv_error_oom(err);
    draft->dir = -1;
    int rc = cenv_build_begin(&draft->build, store, records_json, meta_json, task, err);
    if (rc == 0)
        rc = find_or_draft(draft);
    *out_draft = NULL;
    if (rc == 1)
        rc = cenv_build_reply(&draft->build, false, out);
    else if (rc == 0 && (rc = reply_draft(draft, out)) == 0)
        *out_draft = draft;
    if (!*out_draft)
        cenv_draft_discard(draft);
    return rc;
}

static int describe(struct cenv_draft *draft)
{
    struct cenv_build *build = &draft->build;
    struct cenv_manifest *manifest = NULL;
    int prefix = cenv_fs_open_dir(draft->dir, CENV_TEMPLATE_PREFIX, build->err);
    int rc = prefix < 0 ? prefix : 0;
    if (rc == 0)
        rc = cenv_manifest_of_environment(&manifest, prefix, build->target.data, NULL,
                                          build->task, build->err);
    if (rc == 0)
        rc = cenv_manifest_save(manifest, draft->dir, CENV_TEMPLATE_MANIFEST,
                                build->err);
    if (rc == 0)
        rc = cenv_layout_tree_bytes(prefix, &build->bytes, build->task, build->err);
    cenv_manifest_free(manifest);
    cenv_fd_close(prefix);
    if (rc == 0)
        rc = cenv_publish_sync(build->store, build->err);
    if (rc == 0)
        rc = cenv_build_describe(build, draft->dir);
    return rc;
}

/* A set-up that nothing tells from another serves one run, and ends with its process. */
static int note_owner(struct cenv_draft *draft)
{
    struct cenv_owner owner;
    int64_t pid = cenv_json_get_int(draft->build.meta, "owner", 0);
    struct cenv_buf text;
    struct cenv_json_writer w;
    cenv_owner_self(&owner);
    if (pid > 0)
        cenv_owner_of(pid, &owner);
    cenv_buf_init(&text, 1 << 16);
    cenv_json_writer_init(&w, &text, 0);
    cenv_json_write_object(&w, NULL);
    cenv_fields_write_owner(&w, &owner);
    cenv_json_write_end(&w);
    int rc = cenv_json_writer_finish(&w, draft->build.err);
    if (rc == 0)
        rc = cenv_fs_write_new(draft->dir, CENV_TEMPLATE_OWNER, cenv_buf_str(&text),
                               0644, draft->build.err);
    cenv_buf_release(&text);
    return rc;
}

int cenv_draft_commit(struct cenv_draft *draft, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err)
{
    draft->build.task = task;
    draft->build.err = err;
    bool transient = cenv_json_get_true(draft->build.meta, "transient");
    int rc = transient ? note_owner(draft) : 0;
    if (rc == 0)
        rc = describe(draft);
    if (rc == 0)
        rc = cenv_build_reply(&draft->build, true, out);
    if (rc == 0)
        draft_free(draft);
    else
        cenv_draft_discard(draft);
    return rc;
}
