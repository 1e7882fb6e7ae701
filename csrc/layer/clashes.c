/* SPDX-License-Identifier: BSD-3-Clause */
/* One map of all paths: what is met twice, and is no directory of both, is looked at. That takes
 * the manifests; mostly numbers of the paths tell that there is nothing of the kind. */
#include "layer/clashes.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/pool.h"
#include "layer/layer_paths.h"
#include "os/host.h"
#include "store/package_entry.h"

enum { THREADS_MAX = 4 };

struct finder {
    struct cenv_layers *layers;
    struct cenv_clashes *found;
    struct cenv_map owners; /* path -> the last layer that has it */
    struct cenv_buf *why;
};

void cenv_clashes_release(struct cenv_clashes *clashes)
{
    cenv_free(clashes->list);
    *clashes = (struct cenv_clashes){0};
}

/* ---- manifests ---- */

static int read_manifest(void *ctx, size_t index, unsigned thread,
                         struct cenv_error *err)
{
    struct cenv_layers *layers = ctx;
    struct cenv_layer *layer = &layers->list[index];
    (void)thread;
    return cenv_package_entry_read_manifest(layers->store, cenv_str(layer->key),
                                            &layer->manifest, err);
}

static int read_manifests(struct cenv_layers *layers)
{
    unsigned cpus = cenv_host_cpus();
    return cenv_pool_run(cpus < THREADS_MAX ? cpus : THREADS_MAX, layers->nr,
                         read_manifest, layers, layers->task, layers->err);
}

/* ---- one path of two layers ---- */

static bool is_python(struct cenv_str path)
{
    return cenv_str_ends(path, CENV_STR(".py")) ||
           cenv_str_ends(path, CENV_STR(".pyc"));
}

static int refuse_path(struct finder *f, struct cenv_str path, uint32_t old,
                       uint32_t now)
{
    cenv_buf_addf(f->why, "'%.*s' is in %.*s and in %.*s", CENV_STR_ARG(path),
                  CENV_STR_ARG(f->layers->list[old].dist),
                  CENV_STR_ARG(f->layers->list[now].dist));
    return 1;
}

static int add_clash(struct finder *f, struct cenv_str path, uint32_t old, uint32_t now)
{
    void *list = f->found->list;
    if (!cenv_grow(&list, &f->found->alloc, f->found->nr, sizeof(*f->found->list)))
        return cenv_error_oom(f->layers->err);
    f->found->list = list;
    f->found->list[f->found->nr++] = (struct cenv_clash){old, now, path};
    return 0;
}

static int compare_files(struct finder *f, uint32_t old, uint32_t now,
                         const struct cenv_package_file *file)
{
    const struct cenv_layer *below = &f->layers->list[old],
                            *above = &f->layers->list[now];
    const struct cenv_package_file *other =
        cenv_package_manifest_find(&below->manifest, file->path);
    if (!other || (other->type == CENV_FT_DIR && file->type == CENV_FT_DIR))
        return 0;
    if (other->type != CENV_FT_FILE || file->type != CENV_FT_FILE ||
        (is_python(file->path) && below->noarch_python != above->noarch_python))
        return refuse_path(f, file->path, old, now);
    return add_clash(f, file->path, old, now);
}

static int add_layer(struct finder *f, uint32_t index)
{
    const struct cenv_package_manifest *manifest = &f->layers->list[index].manifest;
    for (size_t i = 0; i < manifest->nr; i++) {
        const struct cenv_package_file *file = &manifest->entries[i];
        uint32_t old = cenv_map_get(&f->owners, file->path);
        int rc = old == CENV_NONE ? 0 : compare_files(f, old, index, file);
        if (rc != 0)
            return rc;
        if (!cenv_map_put(&f->owners, file->path, index))
            return cenv_error_oom(f->layers->err);
    }
    return 0;
}

int cenv_clashes_find(struct cenv_layers *layers, struct cenv_clashes *out,
                      struct cenv_buf *why)
{
    struct finder f = {.layers = layers, .found = out, .why = why};
    int rc = cenv_layer_paths_compare(layers);
    if (rc <= 0)
        return rc;
    rc = read_manifests(layers);
    for (uint32_t i = 0; i < layers->nr && rc == 0; i++)
        rc = add_layer(&f, i);
    cenv_map_release(&f.owners);
    return rc;
}
