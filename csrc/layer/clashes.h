/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths that several layers have: which wins, and where layers cannot show what a link would. */
#ifndef CENV_LAYER_CLASHES_H
#define CENV_LAYER_CLASHES_H

#include "layer/layers.h"

/* A file of both: the winner's is shown, and the loser's record tells it. Indices of layers. */
struct cenv_clash {
    uint32_t loser, winner;
    struct cenv_str path; /* borrowed from a manifest */
};

struct cenv_clashes {
    struct cenv_clash *list;
    size_t nr, alloc;
};

void cenv_clashes_release(struct cenv_clashes *clashes);

/*
 * Compares what lies in the layers, which are there; their manifests are read where any two may
 * have one path. As in a link the later package wins. 1, with the reason appended to `why`, where
 * layers on top of each other are not what a link makes: a file where another has a directory or a
 * link, and sources whose bytecode is compiled where only one of the two packages is noarch python.
 */
int cenv_clashes_find(struct cenv_layers *layers, struct cenv_clashes *out,
                      struct cenv_buf *why);

#endif
