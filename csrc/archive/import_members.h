/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking in archives of formats 1 and 2, which older versions wrote (archive.h). */
#ifndef CENV_ARCHIVE_IMPORT_MEMBERS_H
#define CENV_ARCHIVE_IMPORT_MEMBERS_H

#include "archive/intake.h"

/*
 * Makes those of the archive's templates that are not in the store: each is unpacked, its sum
 * compared, then relocated from the prefix on the machine that wrote it.
 */
int cenv_import_members(struct cenv_intake *intake, const char *path);

#endif
