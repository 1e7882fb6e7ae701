/* SPDX-License-Identifier: BSD-3-Clause */
/* How a text writes paths: what tells it apart from others is its name, and how it begins. Pure. */
#ifndef CENV_RELOCATE_LANGUAGE_H
#define CENV_RELOCATE_LANGUAGE_H

#include <stdint.h>

#include "base/str.h"

enum cenv_language {
    CENV_LANGUAGE_UNKNOWN,
    CENV_LANGUAGE_JSON,
    CENV_LANGUAGE_XML,   /* HTML too */
    CENV_LANGUAGE_SHELL, /* pkg-config too */
    CENV_LANGUAGE_CMAKE,
    CENV_LANGUAGE_FISH,
    CENV_LANGUAGE_CSH, /* tcsh too */
    CENV_LANGUAGE_POWERSHELL,
    CENV_LANGUAGE_XONSH,
    CENV_LANGUAGE_NUSHELL,
};

/* `path` may be empty: then only the text counts. */
enum cenv_language cenv_language_of(struct cenv_str data, struct cenv_str path);

/* How a place in a text of any shell or of CMake is quoted. */
enum cenv_quoting {
    CENV_QUOTING_UNKNOWN, /* a comment, a first line, a line too long to be read */
    CENV_QUOTING_NONE,    /* a word: escaped, a character is that one */
    CENV_QUOTING_SINGLE,
    CENV_QUOTING_DOUBLE,
};

/* The quoting at `at`, as far as its own line tells: quotes over several lines are not seen. */
enum cenv_quoting cenv_language_quoting(enum cenv_language language,
                                        struct cenv_str data, uint64_t at);

#endif
