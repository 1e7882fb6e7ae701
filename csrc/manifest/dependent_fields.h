/* SPDX-License-Identifier: BSD-3-Clause */
/* The last step of a build: fields of records that depend on other files. */
#ifndef CENV_MANIFEST_DEPENDENT_FIELDS_H
#define CENV_MANIFEST_DEPENDENT_FIELDS_H

#include "base/error.h"
#include "manifest/manifest_builder.h"

/*
 * Adds a FIELD site for each hash and size that a record tells of a file which relocation changes,
 * and hashes what such a file has before its first site. Items have their relocations and peers.
 */
int cenv_dependent_fields_find(struct cenv_manifest_builder *builder,
                               struct cenv_error *err);

#endif
