/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking in archives of templates: what a remote holds, in one file (remote/bundle.h). */
#ifndef CENV_ARCHIVE_IMPORT_BUNDLE_H
#define CENV_ARCHIVE_IMPORT_BUNDLE_H

#include "archive/intake.h"

/*
 * Makes those templates of the bundle in the file `fd`, which has `size` bytes, that are not in the
 * store, as those of a remote are made (incoming.h); their deltas are read where they lie.
 */
int cenv_import_bundle(struct cenv_intake *intake, int fd, uint64_t size);

#endif
