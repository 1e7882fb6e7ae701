/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entry is small and made in a millisecond, so that it is not synced: it says in which boot it
 * was made, and is made anew in the next.
 */
#include "layer/top.h"

#include <time.h>

#include "clone/provenance.h"
#include "layer/layer_paths.h"
#include "layer/top_record.h"
#include "link/input.h"
#include "link/records.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/fs_place.h"
#include "os/pid.h"
#include "prefix/history.h"
#include "prefix/site_packages.h"
#include "store/layered_entry.h"
#include "store/package_entry.h"

#define FORMAT "cenv layered 2"

/* conda passes over the specs of a block without a command. */
#define COMMAND "cenv exec"

enum { TEXT_MAX = 512 << 20 };

struct top {
    const struct cenv_layers *layers;
    const struct cenv_clashes *clashes;
    const struct cenv_json *specs;
    const char *key;
    struct cenv_scratch scratch;
    int entry, content;
    struct cenv_error *err;
};

/* ---- records ---- */

static bool loses(const struct top *t, uint32_t layer)
{
    for (size_t i = 0; i < t->clashes->nr; i++)
        if (t->clashes->list[i].loser == layer)
            return true;
    return false;
}

static int write_records(const struct top *t)
{
    int rc = 0;
    for (uint32_t i = 0; i < t->layers->nr && rc == 0; i++)
        if (cenv_provenance_asks_for(t->specs, t->layers->list[i].name) || loses(t, i))
            rc = cenv_top_record_write(t->layers, t->clashes, i, t->specs, t->content);
    return rc;
}

/* ---- history ---- */

/* The one block, in `arena`. */
static int describe_layers(const struct top *t, struct cenv_arena *arena,
                           struct cenv_history_block *block)
{
    size_t nr = t->layers->nr;
    struct cenv_str *dists = cenv_arena_calloc(arena, nr + 1, sizeof(*dists));
    struct cenv_link_options specs = {0};
    int rc = dists ? cenv_link_input_specs(t->specs, arena, &specs, t->err)
                   : cenv_error_oom(t->err);
    for (size_t i = 0; i < nr && rc == 0; i++)
        if (!cenv_link_records_dist(t->layers->list[i].record, t->layers->list[i].dist,
                                    arena, &dists[i]))
            rc = cenv_error_oom(t->err);
    *block = (struct cenv_history_block){.time = (int64_t)time(NULL),
                                         .cmd = COMMAND,
                                         .dists = dists,
                                         .nr_dists = nr,
                                         .specs = specs.specs,
                                         .nr_specs = specs.nr_specs};
    return rc;
}

static int write_history(const struct top *t)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_history_block block;
    int meta = cenv_fs_open_dir(t->content, "conda-meta", t->err);
    if (meta < 0)
        return meta;
    int rc = describe_layers(t, &arena, &block);
    if (rc == 0)
        rc = cenv_history_begin(meta, &block, t->err);
    cenv_arena_release(&arena);
    cenv_fd_close(meta);
    return rc;
}

/* ---- what activation reads ---- */

/* A later layer's takes the place of an earlier one's. */
static int copy_file(const struct top *t, int from,
                     const struct cenv_package_file *file)
{
    struct cenv_dirs source, target;
    struct cenv_str name, other;
    enum cenv_place_mode got;
    cenv_dirs_init(&source, from);
    cenv_dirs_init(&target, t->content);
    int dir = cenv_dirs_parent(&source, file->path, 0, &name);
    int to = dir < 0 ? dir : cenv_dirs_parent(&target, file->path, 0755, &other);
    int raw = to < 0 ? to : 0;
    if (raw == 0)
        cenv_raw_unlink(to, other.data);
    if (raw == 0)
        raw = cenv_raw_place(dir, name.data, NULL, to, other.data, CENV_PLACE_AUTO,
                             true, &got, t->layers->task);
    cenv_dirs_release(&source);
    cenv_dirs_release(&target);
    return raw < 0
               ? cenv_fs_fail(t->err, raw, t->content, file->path.data, "cannot copy")
               : 0;
}

static int copy_listed(const struct top *t, const struct cenv_layer *layer)
{
    const struct cenv_package_manifest *manifest = &layer->manifest;
    int from = cenv_package_entry_open(t->layers->store, cenv_str(layer->key), t->err);
    int rc = from < 0 ? from : 0;
    for (size_t i = 0; i < manifest->nr && rc == 0; i++)
        if (cenv_layer_paths_is_activation(&manifest->entries[i]))
            rc = copy_file(t, from, &manifest->entries[i]);
    cenv_fd_close(from);
    return rc;
}

/* The manifest has been read where paths clash, and has the layer's record at the least. */
static int copy_activation(const struct top *t, struct cenv_layer *layer)
{
    if (!layer->activates)
        return 0;
    int rc = 0;
    if (!layer->manifest.nr)
        rc = cenv_package_entry_read_manifest(t->layers->store, cenv_str(layer->key),
                                              &layer->manifest, t->err);
    if (rc == 0)
        rc = copy_listed(t, layer);
    return rc;
}

/* ---- the entry ---- */

static int describe_file(void *ctx, const struct cenv_walk_entry *at,
                         struct cenv_error *err)
{
    struct cenv_package_manifest *manifest = ctx;
    struct cenv_stat st;
    int rc = cenv_fs_stat(at->parent, at->entry.name, &st, err);
    if (rc < 0)
        return rc;
    struct cenv_package_file file = {.path = at->path,
                                     .link = CENV_STR(""),
                                     .type = st.type,
                                     .mode = st.mode,
                                     .size = st.type == CENV_FT_FILE ? st.size : 0,
                                     .mtime_ns = st.mtime_ns};
    return cenv_package_manifest_add(manifest, &file) ? 0 : cenv_error_oom(err);
}

static int write_manifest(const struct top *t)
{
    struct cenv_package_manifest manifest;
    cenv_package_manifest_init(&manifest);
    int rc = cenv_fs_walk(t->content, true, describe_file, &manifest, t->layers->task,
                          t->err);
    if (rc == 0)
        rc =
            cenv_package_manifest_write(&manifest, t->entry, CENV_PKG_MANIFEST, t->err);
    cenv_package_manifest_release(&manifest);
    return rc;
}

static int tell_site_packages(const struct top *t, struct cenv_json_writer *w)
{
    const struct cenv_json *python = t->layers->python;
    struct cenv_buf path;
    if (!python)
        return 0;
    cenv_buf_init(&path, TEXT_MAX);
    int rc = cenv_site_packages_path(
        cenv_json_get_str(python, "version"), cenv_link_input_build(python),
        cenv_json_get_str(python, "python_site_packages_path"), &path, t->err);
    if (rc == 0)
        cenv_json_write_str(w, CENV_LAYERED_SITE, cenv_buf_str(&path));
    cenv_buf_release(&path);
    return rc;
}

static int write_record(const struct top *t)
{
    struct cenv_json_writer w;
    char boot_id[CENV_PID_BOOT];
    struct cenv_buf text;
    cenv_pid_boot(boot_id, sizeof(boot_id));
    cenv_buf_init(&text, TEXT_MAX);
    cenv_json_writer_init(&w, &text, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_cstr(&w, CENV_LAYERED_BOOT, boot_id);
    cenv_json_write_array(&w, CENV_LAYERED_LAYERS);
    for (size_t i = t->layers->nr; i > 0; i--)
        cenv_json_write_cstr(&w, NULL, t->layers->list[i - 1].key);
    cenv_json_write_end(&w);
    int rc = tell_site_packages(t, &w);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, t->err);
    if (rc == 0)
        rc = cenv_fs_write_new(t->entry, CENV_PKG_RECORD, cenv_buf_str(&text), 0644,
                               t->err);
    cenv_buf_release(&text);
    return rc;
}

static int fill_content(const struct top *t)
{
    int rc = cenv_fs_mkdir(t->content, "conda-meta", 0755, t->err);
    if (rc == 0)
        rc = write_records(t);
    if (rc == 0)
        rc = write_history(t);
    for (size_t i = 0; i < t->layers->nr && rc == 0; i++)
        rc = copy_activation(t, &t->layers->list[i]);
    return rc;
}

static int make_entry(struct top *t)
{
    int rc =
        cenv_package_entry_make(&t->scratch, t->key, &t->entry, &t->content, t->err);
    if (rc == 0)
        rc = fill_content(t);
    if (rc == 0)
        rc = write_manifest(t);
    if (rc == 0)
        rc = write_record(t);
    cenv_fd_close(t->content);
    cenv_fd_close(t->entry);
    if (rc == 0)
        rc = cenv_package_entry_publish(t->layers->store, cenv_str(t->key), &t->scratch,
                                        t->key, true, t->err);
    return rc;
}

int cenv_top_key(const struct cenv_layers *layers, const struct cenv_json *specs,
                 char key[CENV_DIGEST_HEX_MAX])
{
    struct cenv_buf text;
    cenv_buf_init(&text, TEXT_MAX);
    cenv_buf_addf(&text, "%s\n%s\n", FORMAT, layers->prefix.data);
    for (size_t i = 0; i < layers->nr; i++)
        cenv_buf_addf(&text, "%s\n", layers->list[i].key);
    bool done = !specs || cenv_json_print(specs, 0, &text);
    done = done && !text.failed && cenv_digest_sha256_hex(cenv_buf_str(&text), key);
    cenv_buf_release(&text);
    return done ? 0 : cenv_error_oom(layers->err);
}

int cenv_top_make(const struct cenv_layers *layers, const struct cenv_clashes *clashes,
                  const struct cenv_json *specs, const char *key, struct cenv_buf *path)
{
    struct top t = {.layers = layers,
                    .clashes = clashes,
                    .specs = specs,
                    .key = key,
                    .scratch = {.fd = -1},
                    .entry = -1,
                    .content = -1,
                    .err = layers->err};
    int rc = cenv_scratch_open(layers->store, &t.scratch, t.err);
    if (rc < 0)
        return rc;
    rc = make_entry(&t);
    cenv_scratch_close(layers->store, &t.scratch);
    if (rc == 0)
        rc = cenv_layered_entry_add_path(layers->store, cenv_str(key), path, t.err);
    return rc;
}
