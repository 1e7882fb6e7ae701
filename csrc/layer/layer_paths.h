/* SPDX-License-Identifier: BSD-3-Clause */
/* The paths of a layer as numbers, beside its manifest: far less to read, and enough to see that
 * two layers have no path in common. */
#ifndef CENV_LAYER_LAYER_PATHS_H
#define CENV_LAYER_LAYER_PATHS_H

#include "layer/layers.h"

/* Whether activation reads the file. */
bool cenv_layer_paths_is_activation(const struct cenv_package_file *file);

/* Writes the paths of `manifest`, and whether activation reads one, to a new file of `entry`. */
int cenv_layer_paths_write(const struct cenv_package_manifest *manifest, int entry,
                           struct cenv_task *task, struct cenv_error *err);

/*
 * Reads those of all layers, which are there, and sets what `activates`. 0: no two layers have one
 * path, but for directories of both. 1: two may have one, or a file is damaged, and the manifests
 * tell more.
 */
int cenv_layer_paths_compare(struct cenv_layers *layers);

#endif
