/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates as entries of the store: finished, used, locked, left over. */
#include "store/template_entry.h"

#include <stdio.h>

#include "codec/json.h"
#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/lock.h"
#include "store/fields.h"
#include "store/publish.h"
#include "store/record_shape.h"
#include "store/store_lock.h"
#include "store/sweep_list.h"

#define LOCK_PREFIX "template-"

enum { OWNER_MAX = 1 << 16 };

enum { FILE_NAME_MAX = 255, LOCK_NAME = sizeof(LOCK_PREFIX) + FILE_NAME_MAX };

static bool is_hex(struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789abcdef", text.data[i]) || !text.data[i])
            return false;
    return text.len > 0;
}

bool cenv_template_entry_is_id(const char *id)
{
    return strlen(id) == CENV_TEMPLATE_ID_LEN && is_hex(cenv_str(id));
}

/* ---- shapes ---- */

static const struct cenv_shape_member owner_members[] = {
    {"owner", &cenv_fields_owner, true},
    {NULL, NULL, false},
};
static const struct cenv_shape owner_shape = {CENV_JSON_OBJECT, owner_members, NULL};

static const struct cenv_shape_member template_members[] = {
    {"id", &cenv_shape_string, true},
    {"records", &cenv_record_shape_list, true},
    {"specs", &cenv_shape_strings, false},
    {"channels", &cenv_shape_strings, false},
    {"made", &cenv_shape_number, false},
    {"size", &cenv_shape_number, false},
    {"cost", &cenv_shape_number, false},
    {"base", &cenv_shape_string, false},
    {"key", &cenv_shape_string, false},
    {"transient", &cenv_shape_bool, false},
    {NULL, NULL, false},
};
static const struct cenv_shape template_shape = {CENV_JSON_OBJECT, template_members,
                                                 NULL};

/* ---- ids ---- */

/* The ids that begin with `start`, and the first of them. */
struct id_search {
    struct cenv_str start;
    char *id;
    size_t found;
};

static int match_id(void *ctx, const struct cenv_dirent *entry, struct cenv_error *err)
{
    struct id_search *search = ctx;
    (void)err;
    if (cenv_template_entry_is_id(entry->name) &&
        cenv_str_starts(cenv_str_n(entry->name, entry->len), search->start) &&
        search->found++ == 0)
        memcpy(search->id, entry->name, CENV_TEMPLATE_ID_LEN + 1);
    return 0;
}

static int find_whole_id(const struct cenv_store *store, const char *start, char *id,
                         struct cenv_error *err)
{
    struct id_search search = {.start = cenv_str(start), .id = id};
    int rc =
        cenv_layout_each(store, CENV_STORE_TEMPLATES, NULL, match_id, &search, err);
    if (rc == 0 && search.found > 1)
        rc = cenv_error_set(err, CENV_EUSAGE, "'%s' begins the ids of %zu templates",
                            start, search.found);
    return rc < 0 ? rc : search.found == 0;
}

int cenv_template_entry_resolve(const struct cenv_store *store, const char *start,
                                char id[CENV_TEMPLATE_ID_LEN + 1],
                                struct cenv_error *err)
{
    size_t len = strlen(start);
    if (len > CENV_TEMPLATE_ID_LEN || !is_hex(cenv_str(start)))
        return 1;
    if (len < CENV_TEMPLATE_ID_LEN)
        return find_whole_id(store, start, id, err);
    memcpy(id, start, len + 1);
    return 0;
}

/* Opens the entry's directory, -errno when it is not there: 0, 1 then, or a status. */
static int open_entry(const struct cenv_store *store, const char *id, int *dir,
                      struct cenv_error *err)
{
    int templates = store->dirs[CENV_STORE_TEMPLATES];
    *dir = cenv_raw_open_dir(templates, id);
    if (*dir < 0 && !cenv_raw_is_absent(*dir))
        return cenv_fs_fail(err, *dir, templates, id, "cannot open directory");
    return *dir < 0;
}

/* Looks at template.json, which is written last: 0, 1 where there is none, or a status. */
static int look_at_json(int dir, struct cenv_stat *st, struct cenv_error *err)
{
    int raw = cenv_raw_stat(dir, CENV_TEMPLATE_JSON, st);
    if (raw < 0 && !cenv_raw_is_absent(raw))
        return cenv_fs_fail(err, raw, dir, CENV_TEMPLATE_JSON, "cannot look at");
    return raw < 0;
}

static int look_at_entry(const struct cenv_store *store, const char *id, int *dir,
                         struct cenv_stat *st, struct cenv_error *err)
{
    int rc = open_entry(store, id, dir, err);
    if (rc == 0)
        rc = look_at_json(*dir, st, err);
    return rc;
}

bool cenv_template_entry_fits(const struct cenv_json *doc)
{
    return cenv_shape_fits(&template_shape, doc);
}

int cenv_template_entry_read(int dir, const char *id, struct cenv_json **doc,
                             struct cenv_stat *st, struct cenv_error *err)
{
    int rc = look_at_json(dir, st, err);
    if (rc == 0)
        rc = cenv_layout_load_json(dir, CENV_TEMPLATE_JSON, &template_shape, doc, err);
    if (rc == 0 && !cenv_str_is(cenv_json_get_str(*doc, "id"), id)) {
        cenv_json_free(*doc);
        *doc = NULL;
        rc = 1;
    }
    return rc;
}

int cenv_template_entry_load(const struct cenv_store *store, const char *id,
                             struct cenv_json **doc, struct cenv_stat *st,
                             struct cenv_error *err)
{
    int dir, rc = open_entry(store, id, &dir, err);
    if (rc == 0)
        rc = cenv_template_entry_read(dir, id, doc, st, err);
    cenv_fd_close(dir);
    return rc;
}

int cenv_template_entry_find(const struct cenv_store *store, const char *id,
                             struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(store, id, &doc, &st, err);
    cenv_json_free(rc == 0 ? doc : NULL);
    return rc;
}

void cenv_template_entry_touch(const struct cenv_store *store, const char *id)
{
    int dir = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    if (dir >= 0)
        cenv_layout_touch(dir, CENV_TEMPLATE_JSON);
    cenv_fd_close(dir);
}

bool cenv_template_entry_add_prefix(const struct cenv_store *store, const char *id,
                                    struct cenv_buf *out)
{
    return cenv_layout_add_path(store, CENV_STORE_TEMPLATES, id, CENV_TEMPLATE_PREFIX,
                                out);
}

int cenv_template_entry_make(const struct cenv_store *store, const char *id,
                             struct cenv_error *err)
{
    int templates = store->dirs[CENV_STORE_TEMPLATES];
    int rc = cenv_publish_withdraw(store, templates, id, NULL, err);
    if (rc == 0)
        rc = cenv_fs_mkdir_open(templates, id, 0755, err);
    return rc;
}

/* ---- locks ---- */

/* "template-<id>": sweeps ask for the lock of whatever lies there. */
static void set_lock_name(const char *id, char name[LOCK_NAME])
{
    snprintf(name, LOCK_NAME, LOCK_PREFIX "%s", id);
}

int cenv_template_entry_lock(const struct cenv_store *store, const char *id,
                             struct cenv_lock **lock, struct cenv_task *task,
                             struct cenv_error *err)
{
    char name[LOCK_NAME];
    set_lock_name(id, name);
    return cenv_store_lock_take(store, name, lock, task, err);
}

int cenv_template_entry_try_lock(const struct cenv_store *store, const char *id,
                                 struct cenv_lock **lock, struct cenv_error *err)
{
    char name[LOCK_NAME];
    set_lock_name(id, name);
    return cenv_store_lock_try(store, name, lock, err);
}

void cenv_template_entry_unlock(const struct cenv_store *store, const char *id,
                                struct cenv_lock *lock)
{
    char name[LOCK_NAME];
    set_lock_name(id, name);
    cenv_store_lock_release(store, name, lock);
}

/* ---- owners ---- */

static int write_owner(int64_t pid, struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_owner owner;
    struct cenv_json_writer w;
    if (pid > 0)
        cenv_owner_of(pid, &owner);
    else
        cenv_owner_self(&owner);
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_fields_write_owner(&w, &owner);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

int cenv_template_entry_save_owner(int dir, int64_t pid, struct cenv_error *err)
{
    struct cenv_buf text;
    cenv_buf_init(&text, OWNER_MAX);
    int rc = write_owner(pid, &text, err);
    if (rc == 0)
        rc =
            cenv_fs_write_new(dir, CENV_TEMPLATE_OWNER, cenv_buf_str(&text), 0644, err);
    cenv_buf_release(&text);
    return rc;
}

/* The process that a transient template ends with: 0, 1 it is none, or a status. */
static int load_owner(int dir, struct cenv_owner *owner, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_fs_exists(dir, CENV_TEMPLATE_OWNER, err);
    if (rc <= 0)
        return rc < 0 ? rc : 1;
    rc = cenv_layout_load_json(dir, CENV_TEMPLATE_OWNER, &owner_shape, &doc, err);
    if (rc == 0)
        cenv_fields_read_owner(doc, owner);
    cenv_json_free(doc);
    return rc;
}

int cenv_template_entry_ends_with(const struct cenv_store *store, const char *id,
                                  const struct cenv_owner *owner,
                                  struct cenv_error *err)
{
    struct cenv_owner found;
    int dir, rc = open_entry(store, id, &dir, err);
    if (rc == 0)
        rc = load_owner(dir, &found, err);
    cenv_fd_close(dir);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return !cenv_owner_may_live(&found) ||
           (found.pid == owner->pid && found.start == owner->start);
}

/* ---- sweeping ---- */

/* Whether the process that a transient template ends with is gone: 1, 0 not, or a status. */
static int has_lost_owner(int dir, struct cenv_error *err)
{
    struct cenv_owner owner;
    int rc = load_owner(dir, &owner, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return !cenv_owner_may_live(&owner);
}

/* 1 nobody's: unfinished, or its owner is gone; 0 not; or a status. */
static int is_left_over(const struct cenv_store *store, const char *id,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int dir, rc = look_at_entry(store, id, &dir, &st, err);
    if (cenv_raw_is_absent(dir))
        return 0;
    if (rc == 0)
        rc = has_lost_owner(dir, err);
    cenv_fd_close(dir);
    return rc;
}

static int remove_left_over(struct cenv_sweep *sweep, const char *id,
                            struct cenv_error *err)
{
    const struct cenv_store *store = sweep->store;
    sweep->removed++;
    if (!sweep->look)
        return cenv_publish_withdraw(store, store->dirs[CENV_STORE_TEMPLATES], id,
                                     sweep->task, err);
    cenv_sweep_list_add_entry(sweep, CENV_STORE_TEMPLATES, id);
    return 0;
}

/* Looked at again under the lock. */
static int sweep_template(void *ctx, const struct cenv_dirent *entry,
                          struct cenv_error *err)
{
    struct cenv_sweep *sweep = ctx;
    const char *id = entry->name;
    struct cenv_lock *lock;
    int rc = is_left_over(sweep->store, id, err);
    if (rc != 1)
        return rc;
    rc = cenv_template_entry_try_lock(sweep->store, id, &lock, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (cenv_lock_works(lock))
        rc = is_left_over(sweep->store, id, err);
    if (rc == 1)
        rc = remove_left_over(sweep, id, err);
    cenv_template_entry_unlock(sweep->store, id, lock);
    return rc;
}

int cenv_template_entry_sweep(struct cenv_sweep *sweep, struct cenv_error *err)
{
    return cenv_sweep_each(sweep, CENV_STORE_TEMPLATES, sweep_template, err);
}

/* ---- what others ask ---- */

int cenv_template_entry_id_of_prefix(const struct cenv_store *store, const char *prefix,
                                     char id[CENV_TEMPLATE_ID_LEN + 1],
                                     struct cenv_error *err)
{
    struct cenv_str path = cenv_str(prefix);
    struct cenv_buf root;
    cenv_buf_init(&root, 1 << 20);
    bool known = cenv_layout_add_path(store, CENV_STORE_TEMPLATES, "", NULL, &root);
    struct cenv_str head = cenv_buf_str(&root);
    bool fits = known && cenv_str_starts(path, head) &&
                path.len == head.len + CENV_TEMPLATE_ID_LEN +
                                strlen("/" CENV_TEMPLATE_PREFIX) &&
                cenv_str_ends(path, CENV_STR("/" CENV_TEMPLATE_PREFIX));
    if (fits)
        memcpy(id, path.data + head.len, CENV_TEMPLATE_ID_LEN);
    id[fits ? CENV_TEMPLATE_ID_LEN : 0] = '\0';
    cenv_buf_release(&root);
    return known ? is_hex(cenv_str(id)) : cenv_error_oom(err);
}

int cenv_template_entry_of_prefix(const struct cenv_store *store, const char *prefix,
                                  struct cenv_buf *manifest, struct cenv_error *err)
{
    char id[CENV_TEMPLATE_ID_LEN + 1];
    struct cenv_stat st;
    int dir, rc = cenv_template_entry_id_of_prefix(store, prefix, id, err);
    if (rc != 1)
        return rc;
    rc = look_at_entry(store, id, &dir, &st, err);
    if (rc == 0)
        cenv_layout_touch(dir, CENV_TEMPLATE_JSON);
    cenv_fd_close(dir);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return cenv_layout_add_path(store, CENV_STORE_TEMPLATES, id, CENV_TEMPLATE_MANIFEST,
                                manifest)
               ? 1
               : cenv_error_oom(err);
}
