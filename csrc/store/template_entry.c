/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates of the store: their ids, finding, listing, removing. Building is in store_build.c. */
#include "store/template_entry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/json.h"
#include "os/fs.h"
#include "store/fields.h"
#include "store/lease.h"
#include "store/publish.h"
#include "store/store_lock.h"
#include "store/sweep_list.h"

enum { ID_LEN = 64, FORMAT_VERSION = 1, NAME_MAX_LEN = 255 };

/* ---- ids ---- */

struct id_record {
    struct cenv_str name, sha256;
    char canonical[CENV_DIGEST_HEX_MAX];
};

static int compare_records(const void *a, const void *b)
{
    const struct id_record *left = a, *right = b;
    int order = cenv_str_cmp(left->name, right->name);
    return order ? order : cenv_str_cmp(left->sha256, right->sha256);
}

/* Where a package came from does not change what it is (design.md §7). */
static int canonical_hash(const struct cenv_json *record, char *hex)
{
    struct cenv_buf text;
    struct cenv_json *copy = cenv_json_dup(record);
    if (!copy)
        return -1;
    cenv_json_remove(copy, "url");
    cenv_json_remove(copy, "channel");
    cenv_buf_init(&text, 64 << 20);
    int rc = cenv_json_print(copy, CENV_JSON_SORT, &text);
    if (rc == 0)
        rc = cenv_sha256_hex(cenv_buf_str(&text), hex);
    cenv_buf_release(&text);
    cenv_json_free(copy);
    return rc;
}

static int take_record(const struct cenv_json *record, struct id_record *out,
                       struct cenv_error *err)
{
    unsigned char raw[CENV_SHA256_LEN];
    out->name = cenv_json_get_str(record, "name");
    out->sha256 = cenv_json_get_str(record, "sha256");
    if (!out->name.len || !cenv_unhex(out->sha256, raw, sizeof(raw)))
        return cenv_error_set(err, CENV_EUSAGE,
                              "record '%.*s' has no name or no sha256",
                              CENV_STR_ARG(out->name));
    return canonical_hash(record, out->canonical) < 0 ? cenv_error_oom(err) : 0;
}

static void add_id_text(const struct id_record *list, size_t nr, const char *key,
                        const char *base, struct cenv_buf *text)
{
    cenv_buf_addf(text, "cenv template %d\nlink auto own\nbase %s\nkey %zu %s\n",
                  FORMAT_VERSION, base ? base : "", key ? strlen(key) : 0,
                  key ? key : "");
    for (size_t i = 0; i < nr; i++)
        cenv_buf_addf(text, "%.*s %s\n", CENV_STR_ARG(list[i].sha256),
                      list[i].canonical);
}

int cenv_template_id(const struct cenv_json *records, const char *key, const char *base,
                     struct cenv_buf *out, struct cenv_error *err)
{
    size_t nr = 0;
    int rc = 0;
    char hex[CENV_DIGEST_HEX_MAX];
    const struct cenv_json *record;
    struct cenv_buf text;
    struct id_record *list = cenv_calloc(cenv_json_len(records), sizeof(*list));
    if (!list)
        return cenv_error_oom(err);
    cenv_json_each(record, records)
    {
        rc = rc ? rc : take_record(record, &list[nr++], err);
    }
    cenv_buf_init(&text, SIZE_MAX / 2);
    if (rc == 0) {
        if (nr > 1)
            qsort(list, nr, sizeof(*list), compare_records);
        add_id_text(list, nr, key, base, &text);
        if (text.failed || cenv_sha256_hex(cenv_buf_str(&text), hex) < 0 ||
            cenv_buf_puts(out, hex) < 0)
            rc = cenv_error_oom(err);
    }
    cenv_buf_release(&text);
    cenv_free(list);
    return rc;
}

/* ---- finding ---- */

static bool is_hex(struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789abcdef", text.data[i]) || !text.data[i])
            return false;
    return text.len > 0;
}

int cenv_template_load(const struct cenv_store *store, const char *id,
                       struct cenv_json **doc, struct cenv_stat *st,
                       struct cenv_error *err)
{
    int dir = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    if (dir < 0)
        return 1;
    int rc = cenv_raw_stat(dir, CENV_TEMPLATE_JSON, st) < 0 ? 1 : 0;
    if (rc == 0)
        rc = cenv_store_load_json(dir, CENV_TEMPLATE_JSON, doc, err);
    if (rc == 0 && !cenv_str_is(cenv_json_get_str(*doc, "id"), id)) {
        cenv_json_free(*doc);
        *doc = NULL;
        rc = 1;
    }
    cenv_fd_close(dir);
    return rc;
}

int cenv_template_is_there(const struct cenv_store *store, const char *id,
                           struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_load(store, id, &doc, &st, err);
    cenv_json_free(rc == 0 ? doc : NULL);
    return rc;
}

void cenv_template_used(const struct cenv_store *store, const char *id)
{
    int dir = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    if (dir >= 0)
        cenv_store_touch(dir, CENV_TEMPLATE_JSON);
    cenv_fd_close(dir);
}

/* The path as JSON text: bytes that are not UTF-8 are shown, not kept. */
static int set_path(const struct cenv_store *store, const char *id,
                    struct cenv_json *doc)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    int rc = cenv_store_add_path(store, CENV_STORE_TEMPLATES, id, CENV_TEMPLATE_PREFIX,
                                 &path);
    rc = rc ? rc : cenv_json_set_str(doc, "path", cenv_buf_str(&path));
    cenv_buf_release(&path);
    return rc;
}

int cenv_template_complete(const struct cenv_store *store, const char *id,
                           const struct cenv_stat *st, struct cenv_json *doc)
{
    int rc = set_path(store, id, doc);
    return rc ? rc : cenv_json_set_int(doc, "used", st->mtime_ns / 1000000000);
}

/* The one template whose id begins with `id`: 0 with its whole id, 1 none, or several: an error. */
static int whole_id(const struct cenv_store *store, const char *id, char *whole,
                    struct cenv_error *err)
{
    struct cenv_listing list;
    int templates = store->dirs[CENV_STORE_TEMPLATES];
    size_t found = 0;
    int rc = cenv_listing_read(&list, templates, true);
    if (rc < 0)
        return cenv_fs_fail(err, rc, templates, NULL, "cannot list");
    for (size_t i = 0; i < list.nr; i++) {
        struct cenv_str name = cenv_str_n(list.entries[i].name, list.entries[i].len);
        if (name.len != ID_LEN || !is_hex(name) || !cenv_str_starts(name, cenv_str(id)))
            continue;
        if (found++ == 0)
            memcpy(whole, name.data, ID_LEN + 1);
    }
    cenv_listing_release(&list);
    if (found > 1)
        return cenv_error_set(err, CENV_EUSAGE, "'%s' begins the ids of %zu templates",
                              id, found);
    return found == 0;
}

int cenv_template_find(struct cenv_store *store, const char *id, struct cenv_buf *out,
                       struct cenv_error *err)
{
    char whole[ID_LEN + 1];
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    size_t len = strlen(id);
    if (len > ID_LEN || !is_hex(cenv_str(id)))
        return 1;
    memcpy(whole, id, len + 1);
    int rc = len == ID_LEN ? 0 : whole_id(store, id, whole, err);
    if (rc == 0)
        rc = cenv_template_load(store, whole, &doc, &st, err);
    if (rc != 0)
        return rc;
    if (cenv_template_complete(store, whole, &st, doc) < 0 ||
        cenv_json_print(doc, 0, out) < 0)
        rc = cenv_error_oom(err);
    else
        cenv_template_used(store, whole);
    cenv_json_free(doc);
    return rc;
}

/* Records as their number: a list of templates is for looking over. */
static int append_summary(const struct cenv_store *store, const char *id,
                          const struct cenv_stat *st, struct cenv_json *doc,
                          struct cenv_json *list)
{
    int rc = cenv_template_complete(store, id, st, doc);
    int64_t records = (int64_t)cenv_json_len(cenv_json_get(doc, "records"));
    rc = rc ? rc : cenv_json_set_int(doc, "records", records);
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
        rc = cenv_template_load(store, names->entries[i].name, &doc, &st, err);
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

/* ---- removing ---- */

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
    int rc = is_hex(cenv_str(id)) ? cenv_template_load(store, id, &doc, &st, err) : 1;
    cenv_json_free(rc == 0 ? doc : NULL);
    if (rc == 1)
        return cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id,
                              store->path);
    rc = rc ? rc : cenv_task_poll(task, err);
    rc = rc ? rc : cenv_store_try_exclusive(store, &lease, err);
    if (rc != 0)
        return rc == 1 ? in_use(err) : rc;
    rc = cenv_store_drop(store, store->dirs[CENV_STORE_TEMPLATES], id, err);
    cenv_lock_free(lease);
    return rc;
}

/* 1 nobody's: unfinished, or its owner is gone; 0 not; or a status. */
static int is_left_over(const struct cenv_store *store, const char *id,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    struct cenv_json *doc = NULL;
    struct cenv_owner owner;
    int dir = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    int rc = dir >= 0 && cenv_raw_stat(dir, CENV_TEMPLATE_JSON, &st) < 0;
    if (dir >= 0 && rc == 0 && cenv_raw_stat(dir, CENV_TEMPLATE_OWNER, &st) == 0) {
        rc = cenv_store_load_json(dir, CENV_TEMPLATE_OWNER, &doc, err);
        cenv_fields_get_owner(doc, &owner);
        if (rc == 0)
            rc = !cenv_owner_may_live(&owner);
        cenv_json_free(doc);
    }
    cenv_fd_close(dir);
    return rc;
}

/* 1 removed, 0 somebody's, or a status. Looked at again under the lock. */
static int sweep_one(struct cenv_sweep *sweep, const char *id, struct cenv_error *err)
{
    const struct cenv_store *store = sweep->store;
    char key[sizeof("template-") + NAME_MAX_LEN];
    struct cenv_lock *lock;
    int rc = is_left_over(store, id, err);
    if (rc != 1)
        return rc;
    snprintf(key, sizeof(key), "template-%s", id);
    rc = cenv_store_try_lock(store, key, &lock, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = cenv_lock_works(lock) ? is_left_over(store, id, err) : 0;
    bool left_over = rc == 1;
    if (left_over && sweep->look)
        rc = cenv_sweep_note_in(sweep, CENV_STORE_TEMPLATES, id, err);
    else if (left_over)
        rc = cenv_store_drop(store, store->dirs[CENV_STORE_TEMPLATES], id, err);
    cenv_store_unlock(store, key, lock);
    return rc < 0 ? rc : left_over;
}

int cenv_template_sweep(struct cenv_sweep *sweep, struct cenv_error *err)
{
    struct cenv_listing names;
    int templates = sweep->store->dirs[CENV_STORE_TEMPLATES];
    int rc = cenv_listing_read(&names, templates, true);
    if (rc < 0)
        return cenv_fs_fail(err, rc, templates, NULL, "cannot list");
    for (size_t i = 0; i < names.nr && rc >= 0; i++) {
        rc = cenv_task_poll(sweep->task, err);
        if (rc == 0)
            rc = sweep_one(sweep, names.entries[i].name, err);
        sweep->removed += rc > 0;
    }
    cenv_listing_release(&names);
    return rc < 0 ? rc : 0;
}

/* ---- what others ask ---- */

/* The id in the path of a template's prefix, there or not. */
static bool id_of_path(const struct cenv_store *store, struct cenv_str path, char *id)
{
    struct cenv_buf root;
    cenv_buf_init(&root, 1 << 20);
    cenv_store_add_path(store, CENV_STORE_TEMPLATES, "", NULL, &root);
    struct cenv_str head = cenv_buf_str(&root);
    bool fits = !root.failed && cenv_str_starts(path, head) &&
                path.len == head.len + ID_LEN + strlen("/" CENV_TEMPLATE_PREFIX) &&
                cenv_str_ends(path, CENV_STR("/" CENV_TEMPLATE_PREFIX));
    if (fits)
        memcpy(id, path.data + head.len, ID_LEN);
    id[fits ? ID_LEN : 0] = '\0';
    cenv_buf_release(&root);
    return is_hex(cenv_str(id));
}

int cenv_store_await_template(const struct cenv_store *store, const char *path,
                              struct cenv_task *task, struct cenv_error *err)
{
    char id[ID_LEN + 1], key[sizeof("template-") + ID_LEN];
    struct cenv_lock *lock = NULL;
    if (!id_of_path(store, cenv_str(path), id))
        return 0;
    snprintf(key, sizeof(key), "template-%s", id);
    int rc = cenv_store_lock(store, key, &lock, task, err);
    if (rc < 0)
        return rc;
    cenv_store_unlock(store, key, lock);
    return 1;
}

int cenv_store_is_template(const struct cenv_store *store, const char *prefix,
                           struct cenv_buf *manifest)
{
    char id[ID_LEN + 1];
    struct cenv_stat st;
    if (!id_of_path(store, cenv_str(prefix), id))
        return 0;
    int dir = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    bool fits = dir >= 0 && cenv_raw_stat(dir, CENV_TEMPLATE_JSON, &st) == 0;
    if (fits)
        cenv_store_touch(dir, CENV_TEMPLATE_JSON);
    cenv_fd_close(dir);
    return fits && cenv_store_add_path(store, CENV_STORE_TEMPLATES, id,
                                       CENV_TEMPLATE_MANIFEST, manifest) == 0;
}
