/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes layers: each package linked by itself into a directory of the store, for one path. */
#ifndef CENV_LAYER_LAYER_MAKE_H
#define CENV_LAYER_LAYER_MAKE_H

#include "layer/layers.h"

/*
 * Makes and publishes the layers that the store lacks, of their packages; *made: how many. One
 * process at a time does. They have inodes of their own: nobody else can write to them. CENV_ELINK,
 * before anything is made, where the machine shows no layers.
 */
int cenv_layer_make_missing(struct cenv_layers *layers, size_t *made);

#endif
