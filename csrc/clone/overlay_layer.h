/* SPDX-License-Identifier: BSD-3-Clause */
/* The layer of an overlay clone that has what does not read as it lies in the source. */
#ifndef CENV_CLONE_OVERLAY_LAYER_H
#define CENV_CLONE_OVERLAY_LAYER_H

#include "clone/cloner.h"

/*
 * Writes it into the empty directory `dir`: relocated files and links, in directories that stand
 * for the source's, and whiteouts over what a clone does not carry over. The root gets
 * `root_mode`. Everything else counts as shared.
 */
int cenv_overlay_layer_write(const struct cenv_prepared_clone *prepared, int dir,
                             uint32_t root_mode, unsigned threads,
                             struct cenv_clone_result *result, struct cenv_task *task,
                             struct cenv_error *err);

#endif
