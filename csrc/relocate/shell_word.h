/* SPDX-License-Identifier: BSD-3-Clause */
/* A word of sh, its quotes undone. Pure. */
#ifndef CENV_RELOCATE_SHELL_WORD_H
#define CENV_RELOCATE_SHELL_WORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Appends the word with which `text` begins, as sh reads it. False for one that has to be expanded
 * ("$x", "`x`"), and where a quote is not closed; part of it may be in `out` then.
 */
bool cenv_shell_word_read(struct cenv_str text, struct cenv_buf *out);

#endif
