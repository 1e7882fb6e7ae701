/* SPDX-License-Identifier: BSD-3-Clause */
/* First lines of scripts: what stays as it is, and what must take another form to run. Pure. */
#ifndef CENV_RELOCATE_SHEBANG_H
#define CENV_RELOCATE_SHEBANG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * The longest first line, newline not counted, that every supported kernel runs (< 5.1: 127), and
 * the longest interpreter path conda, pip and uv still write into an entry point as it is.
 */
enum { CENV_SHEBANG_MAX = 127, CENV_ENTRY_EXE_MAX = 124 };

/* How the first line is written anew for another prefix. */
enum cenv_shebang_style {
    CENV_SHEBANG_NONE,  /* no line of that kind */
    CENV_SHEBANG_LINE,  /* a package's script: CENV_SHEBANG_MAX decides */
    CENV_SHEBANG_ENTRY, /* a generated entry point: CENV_ENTRY_EXE_MAX decides */
    CENV_SHEBANG_PIP, /* three lines as pip, distlib and uv write them; they stay three */
};

/*
 * Finds the interpreter in a first line (no newline) by conda's expression: "#!", spaces, a path
 * from "/" up to a blank, "\ " being part of it. False when the line is not of that form.
 */
bool cenv_shebang_split(struct cenv_str line, size_t *from, size_t *to);

/*
 * Recognises the multi-line forms at the start of a script: conda's two lines and pip's three.
 * *style says which (LINE for conda's), *exe and *options span the parts (exe without its quotes,
 * options with their leading space), *len is what the form takes, its last newline not counted.
 */
bool cenv_shebang_trampoline(struct cenv_str script, enum cenv_shebang_style *style,
                             struct cenv_str *exe, struct cenv_str *options,
                             size_t *len);

/* A first line in parts that already name the prefix in question. */
struct cenv_shebang {
    enum cenv_shebang_style style;
    bool quoted; /* PIP: the interpreter was in quotes */
    /* "#!" and spaces, interpreter, options as they stand. */
    struct cenv_str head, exe, rest;
};

/*
 * Appends the line(s), no newline at the end: kept when short enough and without a space in `exe`;
 * otherwise python interpreters get conda's two-line /bin/sh form and others /usr/bin/env.
 */
void cenv_shebang_render(const struct cenv_shebang *line, struct cenv_buf *out);

/* Appends the first line(s) of an entry point for interpreter `exe`, newline included. */
void cenv_shebang_render_entry(struct cenv_str exe, struct cenv_buf *out);

/* The path of the interpreter that a script's beginning names, behind "#!" or a trampoline; false:
 * none. *exe is borrowed from `text`. */
bool cenv_shebang_interpreter(struct cenv_str text, struct cenv_str *exe);

#endif
