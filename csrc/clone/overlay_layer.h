/* SPDX-License-Identifier: BSD-3-Clause */
/* The layer of an overlay clone that has what does not read as it lies in the source. */
#ifndef CENV_CLONE_OVERLAY_LAYER_H
#define CENV_CLONE_OVERLAY_LAYER_H

#include "clone/cloner.h"

/* Where it goes, and what of it is wanted. */
struct cenv_overlay_layer {
    int dir; /* empty; borrowed */
    uint32_t root_mode;
    unsigned threads;
    /* AUTO: all that an overlay has to show; else the files that clones of that mode remember. */
    enum cenv_place_mode clones;
    struct cenv_cloned *told; /* see struct cenv_clone_target */
};

/*
 * Writes relocated files and links, in directories that stand for the source's, and whiteouts over
 * what a clone does not carry over. Everything else counts as shared.
 */
int cenv_overlay_layer_write(const struct cenv_prepared_clone *prepared,
                             const struct cenv_overlay_layer *layer,
                             struct cenv_clone_result *result, struct cenv_task *task,
                             struct cenv_error *err);

#endif
