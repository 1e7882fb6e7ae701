/* SPDX-License-Identifier: BSD-3-Clause */
/* Link scripts of packages. */
#ifndef CENV_LINK_SCRIPTS_H
#define CENV_LINK_SCRIPTS_H

#include "base/error.h"
#include "link/steps.h"

/*
 * Runs bin/.<name>-pre-link.sh of the packages that have one (from the package, before any file),
 * and bin/.<name>-post-link.sh (from the prefix, after all files), in link order. `has` tells
 * whether there is any. A script that fails is CENV_ELINK with the end of its output; what they
 * leave in .messages.txt goes to stats->messages and the file is removed.
 */
bool cenv_link_scripts_exist(const struct cenv_link_plan *plan, const char *when);
int cenv_link_scripts_run(struct cenv_linker *linker, const char *when,
                          struct cenv_error *err);

#endif
