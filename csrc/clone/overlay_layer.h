/* SPDX-License-Identifier: BSD-3-Clause */
/* What does not read as it lies in the source: in a layer, or put into what has all else. */
#ifndef CENV_CLONE_OVERLAY_LAYER_H
#define CENV_CLONE_OVERLAY_LAYER_H

#include "clone/cloner.h"

/* What of it is wanted. */
enum cenv_layer_kind {
    CENV_LAYER_SHOWN,      /* all that an overlay has to show */
    CENV_LAYER_REMEMBERED, /* the files that clones of the mode `placing` remember */
    CENV_LAYER_REST /* what the common part of a clone, which lies there, has not */
};

/* Where it goes; `dir` is empty but for the common part, and borrowed. */
struct cenv_overlay_layer {
    enum cenv_layer_kind kind;
    int dir;
    uint32_t root_mode; /* not of a rest, whose root keeps its own */
    unsigned threads;
    enum cenv_place_mode placing; /* not of SHOWN */
    /* See struct cenv_clone_target; or NULL. */
    struct cenv_remembered *remembered;
    struct cenv_cloned *told;
};

/*
 * Writes relocated files and links, in directories that stand for the source's, and over a source
 * that is shown whiteouts of what a clone does not carry over. Everything else counts as shared.
 */
int cenv_overlay_layer_write(const struct cenv_prepared_clone *prepared,
                             const struct cenv_overlay_layer *layer,
                             struct cenv_clone_result *result, struct cenv_task *task,
                             struct cenv_error *err);

#endif
