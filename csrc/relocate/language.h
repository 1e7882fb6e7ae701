/* SPDX-License-Identifier: BSD-3-Clause */
/* How a text writes paths: what tells it apart from others is its name, and how it begins. Pure. */
#ifndef CENV_RELOCATE_LANGUAGE_H
#define CENV_RELOCATE_LANGUAGE_H

#include "base/str.h"

enum cenv_language {
    CENV_LANGUAGE_UNKNOWN,
    CENV_LANGUAGE_JSON,
    CENV_LANGUAGE_XML, /* HTML too */
    CENV_LANGUAGE_WORDS, /* shells, pkg-config, CMake: a backslash before a character is that one */
};

/* `path` may be empty: then only the text counts. */
enum cenv_language cenv_language_of(struct cenv_str data, struct cenv_str path);

#endif
