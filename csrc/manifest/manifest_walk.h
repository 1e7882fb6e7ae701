/* SPDX-License-Identifier: BSD-3-Clause */
/* The first step of a build: what lies in the environment. */
#ifndef CENV_MANIFEST_MANIFEST_WALK_H
#define CENV_MANIFEST_MANIFEST_WALK_H

#include "base/error.h"
#include "manifest/manifest_builder.h"

/*
 * Fills dirs, items and their maps with all below the root; what a clone does without becomes a
 * note. CENV_EPREFIX: a device.
 */
int cenv_manifest_walk(struct cenv_manifest_builder *builder, struct cenv_error *err);

#endif
