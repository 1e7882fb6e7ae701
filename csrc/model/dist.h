/* SPDX-License-Identifier: BSD-3-Clause */
/* File names of packages: "name-version-build.conda" and its parts. */
#ifndef CENV_MODEL_DIST_H
#define CENV_MODEL_DIST_H

#include <stdbool.h>

#include "base/str.h"

/* The parts of NAME-VERSION-BUILD.EXT, split at the last two '-'. */
struct cenv_dist {
    struct cenv_str name, version, build;
    struct cenv_str stem; /* without extension */
    struct cenv_str ext;  /* ".conda", ".tar.bz2" or empty */
};

/* False when `fn` has fewer than two '-' or an empty part; `out` is untouched then. */
bool cenv_dist_split(struct cenv_dist *out, struct cenv_str fn);

#endif
