/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repairing a template: an altered one is built anew from its packages, which are never aliased by
 * templates; cenv.h has the contract.
 */
#include "cenv.h"
#include "codec/options.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/build.h"
#include "template/check.h"

enum { PATH_BYTES_MAX = 1 << 20 };

struct repair {
    struct cenv_store *store;
    const char *id;
    bool content, drop; /* options */
    struct cenv_check check;
    const char *action;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int parse_options(struct repair *repair, const char *text)
{
    static const struct cenv_option table[] = {
        {"content", CENV_OPTION_BOOL, offsetof(struct repair, content), NULL},
        {"drop", CENV_OPTION_BOOL, offsetof(struct repair, drop), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template repair", table);
    struct cenv_json *doc = NULL;
    int rc = cenv_options_parse(&options, &doc, text, repair, repair->err);
    cenv_json_free(doc);
    return rc;
}

/* ---- what it was built from ---- */

static void write_options(const struct cenv_json *doc, struct cenv_buf *out)
{
    static const char *const keys[] = {"specs", "channels", "key", "base"};
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct cenv_json *value = cenv_json_get(doc, keys[i]);
        if (value)
            cenv_json_write_tree(&w, keys[i], value);
    }
    cenv_json_write_end(&w);
}

/* 1 when its files are lost or damaged. */
static int load_input(const struct repair *repair, struct cenv_buf *records,
                      struct cenv_buf *options)
{
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc =
        cenv_template_entry_load(repair->store, repair->id, &doc, &st, repair->err);
    if (rc != 0)
        return rc;
    cenv_json_print(cenv_json_get(doc, "records"), 0, records);
    write_options(doc, options);
    cenv_json_free(doc);
    return records->failed || options->failed ? cenv_error_oom(repair->err) : 0;
}

/* ---- building it anew ---- */

static int drop_template(struct repair *repair)
{
    repair->action = "dropped";
    return cenv_publish_withdraw(repair->store,
                                 repair->store->dirs[CENV_STORE_TEMPLATES], repair->id,
                                 repair->task, repair->err);
}

/* A set-up is part of the id, a base's state nowhere else: neither is among the records. */
static bool can_be_built(const struct repair *repair, const struct cenv_build *build)
{
    return !repair->drop && cenv_str_is(cenv_buf_str(&build->id), repair->id) &&
           !build->options.key && !build->options.base;
}

/*
 * Out of the way first: link scripts see the final path, and clones that are on their way notice
 * and wait for the builder's lock.
 */
static int build_anew(struct repair *repair, struct cenv_build *build)
{
    int rc = drop_template(repair);
    if (rc == 0 && can_be_built(repair, build)) {
        rc = cenv_build_make(build, NULL);
        repair->action = "built";
    }
    return rc;
}

static int check_and_build(struct repair *repair, struct cenv_build *build)
{
    struct cenv_lock *lock;
    int rc = cenv_template_entry_lock(repair->store, repair->id, &lock, repair->task,
                                      repair->err);
    if (rc < 0)
        return rc;
    /* Others may have repaired it. */
    rc = cenv_check_environment(&repair->check, repair->store, repair->task,
                                repair->err);
    if (rc == 0 && repair->check.nr_altered)
        rc = build_anew(repair, build);
    cenv_template_entry_unlock(repair->store, repair->id, lock);
    return rc;
}

static int repair_with(struct repair *repair, const char *records, const char *options)
{
    struct cenv_build build;
    int rc = cenv_build_begin(&build, repair->store, records, options, repair->task,
                              repair->err);
    if (rc == 0)
        rc = check_and_build(repair, &build);
    cenv_build_end(&build);
    return rc;
}

static int repair_template(struct repair *repair)
{
    struct cenv_buf records, options;
    cenv_buf_init(&records, SIZE_MAX / 4);
    cenv_buf_init(&options, SIZE_MAX / 4);
    int rc = load_input(repair, &records, &options);
    if (rc == 0)
        rc = repair_with(repair, records.data, options.data);
    else if (rc == 1)
        rc = drop_template(repair);
    cenv_buf_release(&records);
    cenv_buf_release(&options);
    return rc;
}

static int reply_repair(struct repair *repair, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    size_t before = out->len;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_array(&w, "altered");
    repair->check.altered = &w;
    int rc = repair_template(repair);
    cenv_json_write_end(&w);
    cenv_json_write_cstr(&w, "action", repair->action);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, repair->err);
    if (rc < 0)
        out->len = before;
    return rc;
}

int cenv_template_repair(struct cenv_store *store, const char *id,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct repair repair = {
        .store = store, .id = id, .action = "none", .task = task, .err = err};
    struct cenv_buf path;
    if (!cenv_template_entry_is_id(id))
        return cenv_error_set(err, CENV_EUSAGE, "'%s' is no id of a template", id);
    int rc = parse_options(&repair, options_json);
    if (rc < 0)
        return rc;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    if (cenv_template_entry_add_prefix(store, id, &path)) {
        repair.check.path = path.data;
        repair.check.content = repair.content;
        rc = reply_repair(&repair, out);
    } else {
        rc = cenv_error_oom(err);
    }
    cenv_buf_release(&path);
    return rc;
}
