/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of packages that lost files to others. */
#ifndef CENV_LAYER_TOP_RECORD_H
#define CENV_LAYER_TOP_RECORD_H

#include "layer/clashes.h"

/*
 * Writes the record of the layer `index` into conda-meta below `content`, which is there. Of files
 * that others have in its place it tells the size and digest that are shown, as a link does.
 */
int cenv_top_record_write(const struct cenv_layers *layers,
                          const struct cenv_clashes *clashes, uint32_t index,
                          int content);

#endif
