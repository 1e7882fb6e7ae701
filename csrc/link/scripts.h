/* SPDX-License-Identifier: BSD-3-Clause */
/* Link scripts of packages. */
#ifndef CENV_LINK_SCRIPTS_H
#define CENV_LINK_SCRIPTS_H

#include "base/error.h"
#include "link/steps.h"

/*
 * With `when` "pre-link": runs bin/.<name>-pre-link.sh from each package that has one, before any
 * file is placed; with "post-link": bin/.<name>-post-link.sh from the prefix, after all files; in
 * link order. A script that fails is CENV_ELINK with the end of its output. What they leave in
 * .messages.txt is added to stats->messages, and the file is removed.
 */
int cenv_link_scripts_run(struct cenv_linker *linker, const char *when,
                          struct cenv_error *err);

#endif
