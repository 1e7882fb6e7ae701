/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns what a builder has gathered into the block of manifest.h. */
#ifndef CENV_MANIFEST_MANIFEST_PACK_H
#define CENV_MANIFEST_MANIFEST_PACK_H

#include "base/error.h"
#include "manifest/manifest_builder.h"

/* The builder is done: all its items have their relocations, peers and fields. 0 or CENV_ENOMEM. */
int cenv_manifest_pack(struct cenv_manifest **out,
                       const struct cenv_manifest_builder *builder,
                       struct cenv_error *err);

#endif
