/* SPDX-License-Identifier: BSD-3-Clause */
/* The templates of a store: finding, listing and removing them. */
#include "template/templates.h"

#include "base/alloc.h"
#include "cenv.h"
#include "codec/json.h"
#include "os/fs.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/publish.h"
#include "store/template_entry.h"

/* The path as JSON text: bytes that are not UTF-8 are shown, not kept. */
static int set_path(const struct cenv_store *store, const char *id,
                    struct cenv_json *doc)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    int rc = cenv_template_entry_add_prefix(store, id, &path) ? 0 : -1;
    if (rc == 0)
        rc = cenv_json_set_str(doc, "path", cenv_buf_str(&path));
    cenv_buf_release(&path);
    return rc;
}

int cenv_templates_complete(const struct cenv_store *store, const char *id,
                            const struct cenv_stat *st, struct cenv_json *doc)
{
    int rc = set_path(store, id, doc);
    if (rc == 0)
        rc = cenv_json_set_int(doc, "used", st->mtime_ns / 1000000000);
    return rc;
}

int cenv_template_find(struct cenv_store *store, const char *id, struct cenv_buf *out,
                       struct cenv_error *err)
{
    char whole[CENV_TEMPLATE_ID_LEN + 1];
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_resolve(store, id, whole, err);
    if (rc == 0)
        rc = cenv_template_entry_load(store, whole, &doc, &st, err);
    if (rc != 0)
        return rc;
    if (cenv_templates_complete(store, whole, &st, doc) < 0 ||
        cenv_json_print(doc, 0, out) < 0)
        rc = cenv_error_oom(err);
    else
        cenv_template_entry_touch(store, whole);
    cenv_json_free(doc);
    return rc;
}

/* Records as their number: a list of templates is for looking over. */
static int append_summary(const struct cenv_store *store, const char *id,
                          const struct cenv_stat *st, struct cenv_json *doc,
                          struct cenv_json *list)
{
    int rc = cenv_templates_complete(store, id, st, doc);
    int64_t records = (int64_t)cenv_json_len(cenv_json_get(doc, "records"));
    if (rc == 0)
        rc = cenv_json_set_int(doc, "records", records);
    if (rc < 0) {
        cenv_json_free(doc);
        return rc;
    }
    return cenv_json_append(list, doc);
}

static int list_into(struct cenv_store *store, const struct cenv_listing *names,
                     struct cenv_json *list, struct cenv_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < names->nr && rc >= 0; i++) {
        struct cenv_json *doc = NULL;
        struct cenv_stat st;
        rc = cenv_template_entry_load(store, names->entries[i].name, &doc, &st, err);
        if (rc == 0 &&
            append_summary(store, names->entries[i].name, &st, doc, list) < 0)
            rc = cenv_error_oom(err);
    }
    return rc < 0 ? rc : 0;
}

int cenv_template_list(struct cenv_store *store, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct cenv_listing names;
    int templates = store->dirs[CENV_STORE_TEMPLATES];
    struct cenv_json *list = cenv_json_array();
    if (!list)
        return cenv_error_oom(err);
    int rc = cenv_listing_read(&names, templates, true);
    if (rc < 0) {
        rc = cenv_fs_fail(err, rc, templates, NULL, "cannot list");
    } else {
        rc = list_into(store, &names, list, err);
        cenv_listing_release(&names);
    }
    if (rc == 0 && cenv_json_print(list, 0, out) < 0)
        rc = cenv_error_oom(err);
    cenv_json_free(list);
    return rc;
}

static int in_use(struct cenv_error *err)
{
    cenv_error_set(err, CENV_EFAIL, "the store is in use by another run");
    cenv_error_hint(err, "try again when it is over");
    return CENV_EFAIL;
}

int cenv_template_remove(struct cenv_store *store, const char *id,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_lock *lease;
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_is_id(id)
                 ? cenv_template_entry_load(store, id, &doc, &st, err)
                 : 1;
    cenv_json_free(rc == 0 ? doc : NULL);
    if (rc == 1)
        return cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id,
                              store->path);
    if (rc == 0)
        rc = cenv_task_poll(task, err);
    if (rc == 0)
        rc = cenv_lease_try_exclusive(store, &lease, err);
    if (rc != 0)
        return rc == 1 ? in_use(err) : rc;
    rc = cenv_publish_withdraw(store, store->dirs[CENV_STORE_TEMPLATES], id, err);
    cenv_lock_free(lease);
    return rc;
}
