/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A layer is an entry among the packages of the store, as kept bytecode is: content/, manifest,
 * paths, record.json. The package alone is linked into content/, relocated for the path where
 * layers are shown. Bytecode of noarch python packages that the store does not have takes a python
 * that runs: then all are linked into a scratch prefix, once, which compiles and goes again.
 */
#include "layer/layer_make.h"

#include <time.h>

#include "base/hex.h"
#include "layer/layer_paths.h"
#include "link/link.h"
#include "os/fs.h"
#include "os/fs_where.h"
#include "os/namespace.h"
#include "store/package_entry.h"
#include "store/publish.h"
#include "store/store_lock.h"

#define LOCK_KEY       "layers"
#define SCRATCH_PREFIX "prefix"

enum { PATH_BYTES_MAX = 1 << 20 };

struct maker {
    struct cenv_layers *layers;
    struct cenv_scratch scratch;
    struct cenv_buf python_dir; /* empty: none was needed */
    size_t made;
};

static bool is_missing(const struct maker *m, const struct cenv_layer *layer)
{
    return !cenv_package_entry_use(m->layers->store, cenv_str(layer->key));
}

static struct cenv_link_options options_for(const struct maker *m)
{
    return (struct cenv_link_options){
        .store = m->layers->store,
        .target_prefix = m->layers->prefix.data,
        .mode = CENV_PLACE_AUTO,
        .no_scripts = true,
        .time = (int64_t)time(NULL),
    };
}

/* ---- the python that compiles ---- */

static int link_all(struct maker *m)
{
    struct cenv_layers *layers = m->layers;
    struct cenv_link_options options = options_for(m);
    struct cenv_link_stats stats = {0};
    options.no_records = true;
    int rc = cenv_fs_mkdir(m->scratch.fd, SCRATCH_PREFIX, 0755, layers->err);
    if (rc == 0 && !cenv_fs_path_of(m->scratch.fd, SCRATCH_PREFIX, &m->python_dir))
        rc = cenv_error_oom(layers->err);
    if (rc == 0)
        rc = cenv_link(m->python_dir.data, layers->packages, layers->nr, &options, NULL,
                       &stats, layers->task, layers->err);
    cenv_link_stats_release(&stats);
    return rc;
}

static int find_python(void *ctx, const char **prefix, struct cenv_error *err)
{
    struct maker *m = ctx;
    int rc = m->python_dir.len ? 0 : link_all(m);
    (void)err; /* it is that of the layers */
    *prefix = m->python_dir.data;
    return rc;
}

/* ---- a layer's content ---- */

static int link_layer(struct maker *m, const struct cenv_layer *layer, const char *dir,
                      struct cenv_link_plan **plan)
{
    struct cenv_link_options options = options_for(m);
    struct cenv_link_stats stats = {0};
    options.own_inodes = true;
    if (layer->noarch_python && m->layers->python) {
        options.python = m->layers->python;
        options.find_python = find_python;
        options.find_python_ctx = m;
    }
    int rc = cenv_link(dir, layer->package, 1, &options, plan, &stats, m->layers->task,
                       m->layers->err);
    cenv_link_stats_release(&stats);
    return rc;
}

/* These are the environment's. */
static int remove_history(const struct maker *m, int content)
{
    int meta = cenv_fs_open_dir(content, "conda-meta", m->layers->err);
    if (meta < 0)
        return meta;
    int rc = cenv_fs_unlink(meta, "history", m->layers->err);
    if (rc == 0)
        rc = cenv_fs_unlink(meta, "created_at", m->layers->err);
    cenv_fd_close(meta);
    return rc;
}

/* ---- its manifest ---- */

static bool describe_entry(const struct cenv_link_entry *entry,
                           struct cenv_package_manifest *manifest)
{
    bool is_link = entry->kind == CENV_KIND_SYMLINK;
    struct cenv_package_file file = {
        .path = entry->real,
        .link = is_link ? entry->link : CENV_STR(""),
        .type = is_link ? CENV_FT_SYMLINK : CENV_FT_FILE,
        .mode = entry->final_mode,
        .size = entry->final_size,
        .mtime_ns = entry->final_mtime_ns,
    };
    if (entry->in_prefix[0] &&
        !cenv_unhex(cenv_str(entry->in_prefix), file.sha256, sizeof(file.sha256)))
        return false;
    return cenv_package_manifest_add(manifest, &file);
}

static bool describe_plan(const struct cenv_link_plan *plan,
                          struct cenv_package_manifest *manifest)
{
    bool done = true;
    for (size_t i = 1; i < plan->nr_dirs && done; i++) {
        struct cenv_package_file dir = {
            .path = plan->dirs[i].path, .link = CENV_STR(""), .type = CENV_FT_DIR};
        done = cenv_package_manifest_add(manifest, &dir);
    }
    for (size_t i = 0; i < plan->nr_order && done; i++)
        if (plan->entries[plan->order[i]].done)
            done = describe_entry(&plan->entries[plan->order[i]], manifest);
    return done;
}

static int describe_record(const struct maker *m, const struct cenv_layer *layer,
                           int content, struct cenv_package_manifest *manifest)
{
    struct cenv_buf path;
    struct cenv_stat st;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    int rc =
        cenv_layer_add_record_path(layer, &path) ? 0 : cenv_error_oom(m->layers->err);
    if (rc == 0)
        rc = cenv_fs_stat(content, path.data, &st, m->layers->err);
    struct cenv_package_file file = {.path = cenv_buf_str(&path),
                                     .link = CENV_STR(""),
                                     .type = CENV_FT_FILE,
                                     .mode = rc == 0 ? st.mode : 0,
                                     .size = rc == 0 ? st.size : 0,
                                     .mtime_ns = rc == 0 ? st.mtime_ns : 0};
    if (rc == 0 && !cenv_package_manifest_add(manifest, &file))
        rc = cenv_error_oom(m->layers->err);
    cenv_buf_release(&path);
    return rc;
}

static int write_manifest(const struct maker *m, const struct cenv_layer *layer,
                          const struct cenv_link_plan *plan, int entry, int content)
{
    struct cenv_package_manifest manifest;
    cenv_package_manifest_init(&manifest);
    int rc = describe_plan(plan, &manifest) ? 0 : cenv_error_oom(m->layers->err);
    if (rc == 0)
        rc = describe_record(m, layer, content, &manifest);
    if (rc == 0)
        rc = cenv_package_manifest_write(&manifest, entry, CENV_PKG_MANIFEST,
                                         m->layers->err);
    if (rc == 0)
        rc = cenv_layer_paths_write(&manifest, entry, m->layers->task, m->layers->err);
    cenv_package_manifest_release(&manifest);
    return rc;
}

/* ---- the entry ---- */

static int fill_entry(struct maker *m, const struct cenv_layer *layer, int entry,
                      int content)
{
    struct cenv_link_plan *plan = NULL;
    struct cenv_buf dir;
    cenv_buf_init(&dir, PATH_BYTES_MAX);
    int rc = cenv_fs_path_of(content, NULL, &dir) ? 0 : cenv_error_oom(m->layers->err);
    if (rc == 0)
        rc = link_layer(m, layer, dir.data, &plan);
    if (rc == 0)
        rc = remove_history(m, content);
    if (rc == 0)
        rc = write_manifest(m, layer, plan, entry, content);
    if (rc == 0)
        rc = cenv_package_entry_write_kind(entry, "layer", layer->dist, m->layers->err);
    cenv_link_plan_free(plan);
    cenv_buf_release(&dir);
    return rc;
}

static int make_layer(struct maker *m, const struct cenv_layer *layer)
{
    int entry, content;
    int rc = cenv_package_entry_make(&m->scratch, layer->key, &entry, &content,
                                     m->layers->err);
    if (rc == 0)
        rc = fill_entry(m, layer, entry, content);
    cenv_fd_close(content);
    cenv_fd_close(entry);
    return rc;
}

/* ---- all of them ---- */

static int publish_layers(const struct maker *m)
{
    const struct cenv_layers *layers = m->layers;
    int rc = cenv_publish_sync(layers->store, layers->task, layers->err);
    for (size_t i = 0; i < layers->nr && rc == 0; i++)
        if (is_missing(m, &layers->list[i]))
            rc = cenv_package_entry_publish(layers->store,
                                            cenv_str(layers->list[i].key), &m->scratch,
                                            layers->list[i].key, true, layers->err);
    return rc;
}

static int make_in_scratch(struct maker *m)
{
    struct cenv_layers *layers = m->layers;
    int rc = 0;
    for (size_t i = 0; i < layers->nr && rc == 0; i++)
        if (is_missing(m, &layers->list[i])) {
            rc = make_layer(m, &layers->list[i]);
            m->made++;
        }
    if (rc == 0 && m->made)
        rc = publish_layers(m);
    return rc;
}

static int make_in_turn(struct maker *m)
{
    struct cenv_layers *layers = m->layers;
    struct cenv_lock *lock = NULL;
    int rc =
        cenv_store_lock_take(layers->store, LOCK_KEY, &lock, layers->task, layers->err);
    if (rc < 0)
        return rc;
    rc = cenv_scratch_open(layers->store, &m->scratch, layers->err);
    if (rc == 0) {
        rc = make_in_scratch(m);
        m->scratch.hurried = rc == CENV_ECANCELLED;
        cenv_scratch_close(layers->store, &m->scratch);
    }
    cenv_store_lock_release(layers->store, LOCK_KEY, lock);
    return rc;
}

int cenv_layer_make_missing(struct cenv_layers *layers, size_t *made)
{
    struct maker m = {.layers = layers, .scratch = {.fd = -1}};
    *made = 0;
    int rc = cenv_ns_try(layers->prefix.data, layers->err);
    if (rc < 0)
        return rc;
    cenv_buf_init(&m.python_dir, PATH_BYTES_MAX);
    rc = make_in_turn(&m);
    cenv_buf_release(&m.python_dir);
    *made = rc == 0 ? m.made : 0;
    return rc;
}
