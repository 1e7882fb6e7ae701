/* SPDX-License-Identifier: BSD-3-Clause */
/* Making room: the longest unused templates and packages go first, while nobody holds a lease. */
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "codec/shape.h"
#include "manifest/manifest.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/lock.h"
#include "store/layout.h"
#include "store/lease.h"
#include "store/memory_room.h"
#include "store/package_entry.h"
#include "store/path_memory.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/sweep_list.h"
#include "store/template_entry.h"
#include "store/template_twin.h"
#include "template/mirrors.h"

enum { MEMORY_PATH_MAX = 4096 };

struct gc_item {
    enum cenv_store_dir dir;
    char *name; /* below the directory: "<id>", "<id>/memory/<name>", "<aa>/<sha256>" */
    uint64_t bytes;
    int64_t used; /* seconds */
};

struct gc {
    struct cenv_store *store;
    struct gc_item *items;
    size_t nr, alloc;
    uint64_t total, removed, freed;
    bool look; /* nothing is removed, only counted */
    struct cenv_task *task;
    struct cenv_error *err;
};

static int compare_use(const void *a, const void *b)
{
    const struct gc_item *left = a, *right = b;
    if (left->used != right->used)
        return left->used < right->used ? -1 : 1;
    return strcmp(right->name, left->name); /* memories before their template */
}

/* Takes `name` over. */
static int add_item(struct gc *gc, enum cenv_store_dir dir, char *name, uint64_t bytes,
                    int64_t used)
{
    void *block = gc->items;
    if (!name || !cenv_grow(&block, &gc->alloc, gc->nr, sizeof(*gc->items))) {
        cenv_free(name);
        return cenv_error_oom(gc->err);
    }
    gc->items = block;
    gc->items[gc->nr++] = (struct gc_item){dir, name, bytes, used};
    gc->total += bytes;
    return 0;
}

struct measured_template {
    struct gc *gc;
    int64_t used;
};

/* It is of no more use than its template, with which it would go. */
static int measure_memory(void *ctx, const struct cenv_memory_item *item,
                          struct cenv_error *err)
{
    const struct measured_template *template = ctx;
    int64_t used = item->used_ns / 1000000000;
    struct cenv_buf name;
    (void)err; /* the gc's */
    cenv_buf_init(&name, MEMORY_PATH_MAX);
    cenv_buf_addf(&name, "%s/" CENV_MEMORY_DIR "/%s", item->id, item->name);
    return add_item(template->gc, CENV_STORE_TEMPLATES, cenv_buf_detach(&name),
                    item->bytes, used < template->used ? used : template->used);
}

/* By what it says itself where it is whole; else what lies there, as never used. */
static int measure_template(void *ctx, const struct cenv_dirent *entry,
                            struct cenv_error *err)
{
    struct gc *gc = ctx;
    struct cenv_json *doc = NULL;
    struct cenv_stat st = {.mtime_ns = 0};
    uint64_t bytes = 0;
    int64_t used = 0;
    int rc = cenv_template_entry_load(gc->store, entry->name, &doc, &st, err);
    if (rc == 0) {
        int64_t size = cenv_json_get_int(doc, "size", 0);
        bytes = size > 0 ? (uint64_t)size : 0;
        bytes += cenv_template_twin_bytes(gc->store, entry->name);
        used = st.mtime_ns / 1000000000;
        cenv_json_free(doc);
    } else if (rc == 1) {
        int fd = cenv_raw_open_dir(gc->store->dirs[CENV_STORE_TEMPLATES], entry->name);
        rc = fd < 0 ? 0 : cenv_layout_tree_bytes(fd, &bytes, gc->task, err);
        cenv_fd_close(fd);
    }
    if (rc < 0)
        return rc;
    rc = add_item(gc, CENV_STORE_TEMPLATES, cenv_strdup(entry->name), bytes, used);
    struct measured_template template = {gc, used};
    if (rc == 0 && used)
        rc = cenv_memory_room_each(gc->store, entry->name, measure_memory, &template,
                                   err);
    return rc;
}

static int measure_package(void *ctx, const struct cenv_walk_entry *at,
                           struct cenv_error *err)
{
    struct gc *gc = ctx;
    struct cenv_stat st = {.mtime_ns = 0};
    (void)err;
    if (cenv_str_find(at->path, '/') == at->path.len)
        return at->entry.type == CENV_FT_DIR ? 0 : CENV_WALK_SKIP;
    int entry = cenv_raw_open_dir(at->parent, at->entry.name);
    if (entry < 0)
        return CENV_WALK_SKIP;
    cenv_raw_stat(entry, CENV_PKG_RECORD, &st);
    char *name = cenv_memdup(at->path.data, at->path.len);
    int rc = add_item(gc, CENV_STORE_PKGS, name, cenv_package_entry_bytes(entry),
                      st.mtime_ns / 1000000000);
    cenv_fd_close(entry);
    return rc < 0 ? rc : CENV_WALK_SKIP;
}

static int remove_item(struct gc *gc, const struct gc_item *item)
{
    int rc = gc->look ? 0
                      : cenv_publish_withdraw(gc->store, gc->store->dirs[item->dir],
                                              item->name, gc->task, gc->err);
    if (rc == 0) {
        gc->removed++;
        gc->freed += item->bytes;
        cenv_task_advance(gc->task, item->bytes);
    }
    return rc;
}

static int measure_entries(struct gc *gc)
{
    int rc = cenv_layout_each(gc->store, CENV_STORE_TEMPLATES, gc->task,
                              measure_template, gc, gc->err);
    if (rc == 0)
        rc = cenv_fs_walk(gc->store->dirs[CENV_STORE_PKGS], true, measure_package, gc,
                          gc->task, gc->err);
    if (rc == 0 && gc->nr > 1)
        qsort(gc->items, gc->nr, sizeof(*gc->items), compare_use);
    return rc;
}

static int remove_oldest(struct gc *gc, uint64_t max_bytes)
{
    int rc = measure_entries(gc);
    for (size_t i = 0; i < gc->nr && rc == 0; i++) {
        if (gc->total - gc->freed <= max_bytes)
            break;
        rc = cenv_task_poll(gc->task, gc->err);
        if (rc == 0)
            rc = remove_item(gc, &gc->items[i]);
    }
    return rc;
}

/* ---- what is small ---- */

/* Repodata that somebody asked for so lately is in use: it would only be fetched again. */
enum { REPODATA_SECONDS = 7 * 24 * 3600 };

/* A request is of use as long as its template is there. */
static int is_request_used(const struct gc *gc, const char *name)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_layout_load_json(gc->store->dirs[CENV_STORE_REQUESTS], name,
                                   &cenv_shape_object, &doc, gc->err);
    const char *id = rc == 0 ? cenv_json_get_cstr(doc, "id") : NULL;
    if (rc == 0)
        rc = !id || !cenv_template_entry_is_id(id)
                 ? 1
                 : cenv_template_entry_find(gc->store, id, gc->err);
    cenv_json_free(doc);
    return rc < 0 ? rc : rc == 0;
}

/* A manifest is, as long as its environment lies where it was made of it, or cannot be seen. */
static int is_manifest_used(const struct gc *gc, const char *name)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_manifest *m = NULL;
    struct cenv_stat st;
    int dir = gc->store->dirs[CENV_STORE_MANIFESTS];
    int rc = cenv_manifest_open(&m, dir, name, NULL, &ignored);
    bool used = rc < 0 && !cenv_fs_blames_file(&ignored);
    if (rc == 0) {
        int raw = cenv_raw_stat(CENV_CWD, cenv_mf_cstr(m, m->header->prefix), &st);
        used = raw == 0 ? st.dev == m->header->dev && st.ino == m->header->ino
                        : !cenv_raw_is_absent(raw);
    }
    cenv_manifest_free(m);
    cenv_error_release(&ignored);
    return used;
}

static int is_repodata_used(const struct gc *gc, const char *name)
{
    struct cenv_stat st;
    int dir = gc->store->dirs[CENV_STORE_REPODATA];
    return cenv_raw_stat(dir, name, &st) == 0 &&
           st.mtime_ns / 1000000000 + REPODATA_SECONDS > (int64_t)time(NULL);
}

struct small {
    struct gc *gc;
    enum cenv_store_dir dir;
    /* 1, 0, or a status. */
    int (*is_used)(const struct gc *gc, const char *name);
};

static int remove_unused(void *ctx, const struct cenv_dirent *entry,
                         struct cenv_error *err)
{
    const struct small *small = ctx;
    int used = small->is_used(small->gc, entry->name);
    if (used != 0 || small->gc->look)
        return used < 0 ? used : 0;
    return cenv_fs_remove_tree(small->gc->store->dirs[small->dir], entry->name, err);
}

static int remove_small(struct gc *gc)
{
    struct small kinds[] = {
        {gc, CENV_STORE_REQUESTS, is_request_used},
        {gc, CENV_STORE_MANIFESTS, is_manifest_used},
        {gc, CENV_STORE_REPODATA, is_repodata_used},
    };
    int rc = 0;
    if (!gc->look)
        rc = cenv_mirrors_remove_all(gc->store, &gc->removed, gc->task, gc->err);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; i++)
        rc = cenv_layout_each(gc->store, kinds[i].dir, gc->task, remove_unused,
                              &kinds[i], gc->err);
    return rc;
}

/* ---- all of it ---- */

static int remove_garbage(struct gc *gc, uint64_t max_bytes)
{
    struct cenv_sweep sweep = {.store = gc->store, .task = gc->task};
    int rc = gc->look ? 0 : cenv_scratch_sweep(&sweep, gc->err);
    gc->removed += sweep.removed;
    if (rc == 0)
        rc = remove_oldest(gc, max_bytes);
    if (rc == 0 && max_bytes == 0)
        rc = remove_small(gc);
    if (rc == 0)
        rc = cenv_sweep_failure(&sweep, gc->err);
    return rc;
}

static int collect_garbage(struct gc *gc, uint64_t max_bytes)
{
    struct cenv_lock *lease = NULL;
    int rc = gc->look ? 0 : cenv_lease_take_exclusive(gc->store, &lease, gc->err);
    if (rc == 0)
        rc = remove_garbage(gc, max_bytes);
    cenv_lock_free(lease);
    return rc;
}

static int write_reply(const struct gc *gc, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_u64(&w, "removed", gc->removed);
    cenv_json_write_u64(&w, "bytes", gc->freed);
    cenv_json_write_u64(&w, "left", gc->total - gc->freed);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, gc->err);
}

static int run_gc(struct gc *gc, uint64_t max_bytes, struct cenv_buf *out)
{
    int rc = collect_garbage(gc, max_bytes);
    if (rc == 0)
        rc = write_reply(gc, out);
    for (size_t i = 0; i < gc->nr; i++)
        cenv_free(gc->items[i].name);
    cenv_free(gc->items);
    return rc;
}

int cenv_store_gc(struct cenv_store *store, uint64_t max_bytes, struct cenv_task *task,
                  struct cenv_buf *out, struct cenv_error *err)
{
    struct gc gc = {.store = store, .task = task, .err = err};
    return run_gc(&gc, max_bytes, out);
}

int cenv_store_gc_look(struct cenv_store *store, uint64_t max_bytes,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct gc gc = {.store = store, .look = true, .task = task, .err = err};
    return run_gc(&gc, max_bytes, out);
}
