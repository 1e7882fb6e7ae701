/* SPDX-License-Identifier: BSD-3-Clause */
/* The first lines of a script that was found to name its environment. Pure. */
#ifndef CENV_RELOCATE_FIRST_LINE_H
#define CENV_RELOCATE_FIRST_LINE_H

#include "relocate/sites.h"

/*
 * Sites of a text, by offset, of which some may lie in its first line, or in the two or three lines
 * that stand for one: these become sites of that line, so that it is written anew in the form that
 * another prefix needs. 0, or CENV_ENOMEM.
 */
int cenv_first_line_find(struct cenv_sites *sites, struct cenv_str data,
                         struct cenv_error *err);

#endif
