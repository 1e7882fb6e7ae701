/* SPDX-License-Identifier: BSD-3-Clause */
/* The templates of a store: finding, listing and removing them. */
#include "template/templates.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "cenv.h"
#include "codec/shape.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/memory_room.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "store/template_twin.h"

enum { PATH_BYTES_MAX = 1 << 20 };

/* ---- telling ---- */

/* Keys that replies have of their own; an archive's template.json may hold anything. */
static bool is_ours(const char *key)
{
    static const char *const ours[] = {"records", "prefix",  "used",
                                       "built",   "seconds", "imported",
                                       "labels",  "memory",  "twin"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strcmp(key, ours[i]) == 0)
            return true;
    return false;
}

void cenv_templates_write(struct cenv_json_writer *w, const struct cenv_store *store,
                          const char *id, const struct cenv_stat *st,
                          const struct cenv_json *doc)
{
    const struct cenv_json *member;
    struct cenv_buf path;
    cenv_json_each(member, doc)
    {
        if (!is_ours(cenv_json_key(member)))
            cenv_json_write_tree(w, cenv_json_key(member), member);
    }
    cenv_buf_init(&path, PATH_BYTES_MAX);
    w->out->failed |= !cenv_template_entry_add_prefix(store, id, &path);
    cenv_json_write_str(w, "prefix", cenv_buf_str(&path));
    cenv_json_write_i64(w, "used", st->mtime_ns / 1000000000);
    cenv_buf_release(&path);
}

void cenv_templates_write_records(struct cenv_json_writer *w,
                                  const struct cenv_json *doc)
{
    const struct cenv_json *records = cenv_json_get(doc, "records");
    if (records)
        cenv_json_write_tree(w, "records", records);
}

/* ---- finding ---- */

static int write_found(const struct cenv_store *store, const char *id,
                       const struct cenv_stat *st, const struct cenv_json *doc,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_templates_write(&w, store, id, st, doc);
    cenv_templates_write_records(&w, doc);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
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
    if (rc == 0)
        rc = write_found(store, whole, &st, doc, out, err);
    if (rc == 0)
        cenv_template_entry_touch(store, whole);
    cenv_json_free(doc);
    return rc;
}

/* ---- listing ---- */

/* What a template was asked for as: by a request's specs, or by the name of a file. */
struct label {
    struct label *next;
    const char *id, *text;
};

struct template_list {
    const struct cenv_store *store;
    struct cenv_arena arena;
    struct label *labels;
    struct cenv_json_writer w;
};

static const struct cenv_shape_member request_members[] = {
    {"id", &cenv_shape_string, true},
    {"label", &cenv_shape_string, true},
    {NULL, NULL, false},
};
static const struct cenv_shape labelled_request = {CENV_JSON_OBJECT, request_members,
                                                   NULL};

static int add_label(struct template_list *list, const struct cenv_json *doc,
                     struct cenv_error *err)
{
    struct label *label = cenv_arena_calloc(&list->arena, 1, sizeof(*label));
    if (!label)
        return cenv_error_oom(err);
    label->id = cenv_arena_str(&list->arena, cenv_json_get_str(doc, "id")).data;
    label->text = cenv_arena_str(&list->arena, cenv_json_get_str(doc, "label")).data;
    if (!label->id || !label->text)
        return cenv_error_oom(err);
    label->next = list->labels;
    list->labels = label;
    return 0;
}

static int read_label(void *ctx, const struct cenv_dirent *entry,
                      struct cenv_error *err)
{
    struct template_list *list = ctx;
    struct cenv_json *doc = NULL;
    int rc = cenv_layout_load_json(list->store->dirs[CENV_STORE_REQUESTS], entry->name,
                                   &labelled_request, &doc, err);
    if (rc == 0)
        rc = add_label(list, doc, err);
    cenv_json_free(doc);
    return rc < 0 ? rc : 0;
}

static bool is_repeated(const struct label *label)
{
    for (const struct label *at = label->next; at; at = at->next)
        if (strcmp(at->id, label->id) == 0 && strcmp(at->text, label->text) == 0)
            return true;
    return false;
}

static void write_labels(struct template_list *list, const char *id)
{
    cenv_json_write_array(&list->w, "labels");
    for (const struct label *label = list->labels; label; label = label->next)
        if (strcmp(label->id, id) == 0 && !is_repeated(label))
            cenv_json_write_cstr(&list->w, NULL, label->text);
    cenv_json_write_end(&list->w);
}

static int add_bytes(void *ctx, const struct cenv_memory_item *item,
                     struct cenv_error *err)
{
    uint64_t *bytes = ctx;
    (void)err;
    *bytes += item->bytes;
    return 0;
}

/* What is remembered of its paths, in bytes. */
static int write_memory(struct template_list *list, const char *id,
                        struct cenv_error *err)
{
    uint64_t bytes = 0;
    int rc = cenv_memory_room_each(list->store, id, add_bytes, &bytes, err);
    cenv_json_write_u64(&list->w, "memory", bytes);
    return rc;
}

/* Records as their number: a list of templates is for looking over. */
static int list_template(void *ctx, const struct cenv_dirent *entry,
                         struct cenv_error *err)
{
    struct template_list *list = ctx;
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(list->store, entry->name, &doc, &st, err);
    if (rc == 0) {
        cenv_json_write_object(&list->w, NULL);
        cenv_templates_write(&list->w, list->store, entry->name, &st, doc);
        cenv_json_write_u64(&list->w, "records",
                            cenv_json_len(cenv_json_get(doc, "records")));
        write_labels(list, entry->name);
        cenv_json_write_u64(&list->w, "twin",
                            cenv_template_twin_bytes(list->store, entry->name));
        rc = write_memory(list, entry->name, err);
        cenv_json_write_end(&list->w);
    }
    cenv_json_free(doc);
    return rc < 0 ? rc : 0;
}

int cenv_template_list(struct cenv_store *store, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct template_list list = {.store = store};
    size_t before = out->len;
    cenv_json_writer_init(&list.w, out, 0);
    cenv_json_write_array(&list.w, NULL);
    int rc = cenv_layout_each(store, CENV_STORE_REQUESTS, NULL, read_label, &list, err);
    if (rc == 0)
        rc = cenv_layout_each(store, CENV_STORE_TEMPLATES, NULL, list_template, &list,
                              err);
    cenv_arena_release(&list.arena);
    cenv_json_write_end(&list.w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&list.w, err);
    if (rc < 0)
        out->len = before;
    return rc;
}

/* ---- removing ---- */

static int check_is_there(const struct cenv_store *store, const char *id,
                          struct cenv_error *err)
{
    int rc =
        cenv_template_entry_is_id(id) ? cenv_template_entry_find(store, id, err) : 1;
    if (rc == 1)
        rc =
            cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id, store->path);
    return rc;
}

int cenv_template_remove(struct cenv_store *store, const char *id,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_lock *lease = NULL;
    int rc = check_is_there(store, id, err);
    if (rc == 0)
        rc = cenv_task_poll(task, err);
    if (rc == 0)
        rc = cenv_lease_take_exclusive(store, &lease, err);
    if (rc == 0)
        rc = cenv_publish_withdraw(store, store->dirs[CENV_STORE_TEMPLATES], id, task,
                                   err);
    cenv_lock_free(lease);
    return rc;
}
