/* SPDX-License-Identifier: BSD-3-Clause */
/* What a layer's name is the hash of: all that the bytes in it come from. */
#include "layer/layers.h"

#include "base/alloc.h"
#include "link/input.h"
#include "os/namespace.h"
#include "os/raw_file.h"
#include "prefix/site_packages.h"
#include "store/layered_entry.h"
#include "store/package_entry.h"

#define FORMAT "cenv layer 2"

enum { TEXT_MAX = 64 << 20, PATH_BYTES_MAX = 1 << 20 };

static void find_python(struct cenv_layers *layers, const struct cenv_json *records)
{
    const struct cenv_json *record;
    cenv_json_each(record, records)
    {
        if (cenv_str_is(cenv_json_get_str(record, "name"), "python"))
            layers->python = record;
    }
}

/* ---- names ---- */

/* What noarch python packages are linked by. */
static int add_python(const struct cenv_layers *layers, struct cenv_buf *text)
{
    const struct cenv_json *python = layers->python;
    struct cenv_str version = cenv_json_get_str(python, "version");
    cenv_buf_addf(text, "%.*s\n",
                  CENV_STR_ARG(cenv_site_packages_python_version(version)));
    return cenv_site_packages_path(
        version, cenv_link_input_build(python),
        cenv_json_get_str(python, "python_site_packages_path"), text, layers->err);
}

/* The record stands for the package, whose hash it tells, and is written into the layer. */
static int set_key(const struct cenv_layers *layers, struct cenv_layer *layer)
{
    struct cenv_buf text;
    int rc = 0;
    cenv_buf_init(&text, TEXT_MAX);
    cenv_buf_addf(&text, "%s\n%s\n", FORMAT, layers->prefix.data);
    if (layer->noarch_python && layers->python)
        rc = add_python(layers, &text);
    cenv_buf_putc(&text, '\n');
    if (rc == 0 && (!cenv_json_print(layer->record, CENV_JSON_SORT, &text) ||
                    !cenv_digest_sha256_hex(cenv_buf_str(&text), layer->key)))
        rc = cenv_error_oom(layers->err);
    cenv_buf_release(&text);
    return rc;
}

static int set_layer(struct cenv_layers *layers, const struct cenv_json *record)
{
    struct cenv_layer *layer = &layers->list[layers->nr];
    *layer = (struct cenv_layer){
        .record = record,
        .name = cenv_json_get_str(record, "name"),
        .noarch_python = cenv_str_is(cenv_json_get_str(record, "noarch"), "python"),
    };
    cenv_package_manifest_init(&layer->manifest);
    layers->nr++;
    int rc = cenv_link_input_dist(record, &layers->arena, &layer->dist, layers->err);
    if (rc == 0)
        rc = set_key(layers, layer);
    return rc;
}

int cenv_layers_init(struct cenv_layers *layers, const struct cenv_store *store,
                     const struct cenv_json *records, struct cenv_task *task,
                     struct cenv_error *err)
{
    const struct cenv_json *record;
    *layers = (struct cenv_layers){.store = store, .task = task, .err = err};
    cenv_buf_init(&layers->prefix, PATH_BYTES_MAX);
    find_python(layers, records);
    layers->list = cenv_calloc(cenv_json_len(records) + 1, sizeof(*layers->list));
    int rc = layers->list ? cenv_layered_entry_add_prefix(store, &layers->prefix, err)
                          : cenv_error_oom(err);
    cenv_json_each(record, records)
    {
        if (rc == 0)
            rc = set_layer(layers, record);
    }
    return rc;
}

void cenv_layers_release(struct cenv_layers *layers)
{
    for (size_t i = 0; i < layers->nr; i++)
        cenv_package_manifest_release(&layers->list[i].manifest);
    cenv_free(layers->list);
    cenv_buf_release(&layers->prefix);
    cenv_arena_release(&layers->arena);
}

bool cenv_layer_add_record_path(const struct cenv_layer *layer, struct cenv_buf *out)
{
    return cenv_buf_addf(out, "conda-meta/%.*s.json", CENV_STR_ARG(layer->dist));
}

bool cenv_layers_are_there(const struct cenv_layers *layers)
{
    bool there = true;
    for (size_t i = 0; i < layers->nr; i++)
        there &= cenv_package_entry_use(layers->store, cenv_str(layers->list[i].key));
    return there;
}

int cenv_layers_take_packages(struct cenv_layers *layers,
                              const struct cenv_json *records)
{
    size_t nr = 0;
    int rc = cenv_link_input_packages(layers->store, records, &layers->arena,
                                      &layers->packages, &nr, layers->err);
    for (size_t i = 0; i < nr && rc == 0; i++)
        layers->list[i].package = &layers->packages[i];
    return rc;
}

/* ---- what layers cannot be ---- */

static bool has_file(struct cenv_buf *path, const struct cenv_layer *layer,
                     const char *dir, const char *when)
{
    struct cenv_stat st;
    cenv_buf_clear(path);
    cenv_buf_addf(path, "%s/%s/.%.*s-%s.sh", layer->package->content, dir,
                  CENV_STR_ARG(layer->name), when);
    return !path->failed && cenv_raw_stat(CENV_CWD, path->data, &st) == 0;
}

/* As a link finds them: before it in the package, behind it in the prefix. */
static bool has_script(struct cenv_buf *path, const struct cenv_layer *layer)
{
    return has_file(path, layer, "bin", "pre-link") ||
           has_file(path, layer, "bin", "post-link") ||
           (layer->noarch_python &&
            has_file(path, layer, "python-scripts", "post-link"));
}

/* They run in a prefix with all that the package needs, and leave what no package has. */
int cenv_layers_refuse_scripts(const struct cenv_layers *layers, struct cenv_buf *why)
{
    struct cenv_buf path;
    bool has = false;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    for (size_t i = 0; i < layers->nr && !has; i++) {
        has = has_script(&path, &layers->list[i]);
        if (has)
            cenv_buf_addf(why, "%.*s has a link script",
                          CENV_STR_ARG(layers->list[i].dist));
    }
    bool failed = path.failed;
    cenv_buf_release(&path);
    return failed ? cenv_error_oom(layers->err) : has;
}

/* One layer more is the uppermost. */
int cenv_layers_refuse_number(const struct cenv_layers *layers, struct cenv_buf *why)
{
    int most = CENV_LAYERED_MAX;
    if (layers->nr <= CENV_LAYERED_FEW)
        return 0;
    if (!cenv_ns_takes_many(layers->prefix.data))
        most = CENV_LAYERED_FEW;
    if (layers->nr <= (size_t)most)
        return 0;
    cenv_buf_addf(why, "%zu packages are more than the %d that are shown as layers",
                  layers->nr, most);
    return 1;
}
