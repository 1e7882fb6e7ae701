/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the python of a prefix has its modules, and where noarch packages go by it. Pure. */
#ifndef CENV_PREFIX_SITE_PACKAGES_H
#define CENV_PREFIX_SITE_PACKAGES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* "3.13" of "3.13.1"; empty when there is no minor number. */
struct cenv_str cenv_site_packages_python_version(struct cenv_str version);

/*
 * Where a noarch python package's files go: python_site_packages_path when the python record has
 * one (CEP 17), else lib/pythonX.Y[t]/site-packages. Appended to `out`. CENV_ELINK when the version
 * has no minor number or the path leaves the prefix.
 */
int cenv_site_packages_path(struct cenv_str version, struct cenv_str build,
                            struct cenv_str site_packages_path, struct cenv_buf *out,
                            struct cenv_error *err);

/*
 * Where a path of a noarch python package goes: site-packages/ and python-scripts/ mapped, others
 * as they are. *out borrows from `path` or the arena. False: out of memory.
 */
bool cenv_site_packages_map_path(struct cenv_str path, struct cenv_str site_packages,
                                 struct cenv_arena *arena, struct cenv_str *out);

#endif
