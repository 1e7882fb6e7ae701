/* SPDX-License-Identifier: BSD-3-Clause */
/* The uppermost layer of an environment: what is its own and no package's. */
#ifndef CENV_LAYER_TOP_H
#define CENV_LAYER_TOP_H

#include "layer/clashes.h"

/* The name of the entry of an environment, before anything is looked at. */
int cenv_top_key(const struct cenv_layers *layers, const struct cenv_json *specs,
                 char key[CENV_DIGEST_HEX_MAX]);

/*
 * Makes that entry `key` of the environment of the layers (store/layered_entry.h), and appends its
 * path. In its content lie history, the records of packages that `specs` (or NULL) ask
 * for or that lost files to others, and copies of what activation reads.
 */
int cenv_top_make(const struct cenv_layers *layers, const struct cenv_clashes *clashes,
                  const struct cenv_json *specs, const char *key,
                  struct cenv_buf *path);

#endif
