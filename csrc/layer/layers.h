/* SPDX-License-Identifier: BSD-3-Clause */
/* The layers of an environment: what they are made of, and by what the store knows them. */
#ifndef CENV_LAYER_LAYERS_H
#define CENV_LAYER_LAYERS_H

#include "base/arena.h"
#include "base/digest.h"
#include "codec/json.h"
#include "link/plan_base.h"
#include "package/package_manifest.h"

/* One package. Texts and trees are borrowed from the records and the arena. */
struct cenv_layer {
    const struct cenv_json *record;
    const struct cenv_link_package *package; /* once it is needed: what it is made of */
    struct cenv_str name, dist;              /* "name-version-build" */
    bool noarch_python;
    bool activates; /* once the paths are compared: activation may read files of it */
    char key[CENV_DIGEST_HEX_MAX];         /* of its entry in the store */
    struct cenv_package_manifest manifest; /* once read: what lies in it */
};

struct cenv_layers {
    const struct cenv_store *store;
    const struct cenv_json *python; /* its record, or NULL */
    struct cenv_buf prefix;         /* where they are shown */
    struct cenv_link_package *packages;
    struct cenv_layer *list; /* in link order */
    size_t nr;
    struct cenv_arena arena;
    struct cenv_task *task;
    struct cenv_error *err;
};

/*
 * Names the layers of `records`: an array in link order, each with its sha256; borrowed. A layer is
 * known by its package, its record, the path where it is shown and, for noarch python, by the
 * python's minor version and site-packages. Release after a failure too.
 */
int cenv_layers_init(struct cenv_layers *layers, const struct cenv_store *store,
                     const struct cenv_json *records, struct cenv_task *task,
                     struct cenv_error *err);
void cenv_layers_release(struct cenv_layers *layers);

/* Whether the store has all of them, which marks them as used. */
bool cenv_layers_are_there(const struct cenv_layers *layers);

/* Takes what they are made of: the same records, complete, whose packages are in the store. */
int cenv_layers_take_packages(struct cenv_layers *layers,
                              const struct cenv_json *records);

/*
 * Why an environment cannot be one of layers, appended to `why`: 1; else 0, or a status. For their
 * number, and for link scripts, which tells the packages: layers that are there have none.
 */
int cenv_layers_refuse_number(const struct cenv_layers *layers, struct cenv_buf *why);
int cenv_layers_refuse_scripts(const struct cenv_layers *layers, struct cenv_buf *why);

/* Appends "conda-meta/<dist>.json", where the layer has its record. False: no memory. */
bool cenv_layer_add_record_path(const struct cenv_layer *layer, struct cenv_buf *out);

#endif
