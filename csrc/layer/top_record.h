/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of packages that were asked for, or lost files to others. */
#ifndef CENV_LAYER_TOP_RECORD_H
#define CENV_LAYER_TOP_RECORD_H

#include "layer/clashes.h"

/*
 * Writes the record of the layer `index` into conda-meta below `content`, which is there. It tells
 * what `specs` (or NULL) request, and of files that others have in its place the size and digest of
 * what is shown, as a link does.
 */
int cenv_top_record_write(const struct cenv_layers *layers,
                          const struct cenv_clashes *clashes, uint32_t index,
                          const struct cenv_json *specs, int content);

#endif
