/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of noarch python packages: parsed, checked, and the script each becomes. Pure. */
#ifndef CENV_PACKAGE_ENTRY_POINTS_H
#define CENV_PACKAGE_ENTRY_POINTS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* "command = module:func", spans of the definition. */
struct cenv_entry_point {
    struct cenv_str command, module, func;
};

/*
 * Parses one of link.json's noarch.entry_points. The command becomes a file name in bin and the
 * rest becomes code, so both are checked: CENV_EINTEGRITY quoting the definition when the command
 * is no plain name (or hidden), or module or func are not dotted identifiers.
 */
int cenv_entry_point_parse(struct cenv_entry_point *out, struct cenv_str definition,
                           struct cenv_error *err);

/* Appends the script, conda's text: `exe` is the absolute path of the interpreter. */
void cenv_entry_point_render(const struct cenv_entry_point *point, struct cenv_str exe,
                             struct cenv_buf *out);

#endif
