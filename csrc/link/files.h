/* SPDX-License-Identifier: BSD-3-Clause */
/* Places what the packages bring. */
#ifndef CENV_LINK_FILES_H
#define CENV_LINK_FILES_H

#include "base/error.h"
#include "link/steps.h"

/* Makes the directories, then places all files, links and entry points. */
int cenv_link_files_place(struct cenv_linker *linker, struct cenv_error *err);

#endif
