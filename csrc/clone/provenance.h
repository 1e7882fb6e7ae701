/* SPDX-License-Identifier: BSD-3-Clause */
/* What a clone tells of the request it was made for, where that is not its template's own. */
#ifndef CENV_CLONE_PROVENANCE_H
#define CENV_CLONE_PROVENANCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct cenv_json;

/* Whether one of the specs, an array or NULL, asks for the package `name`. */
bool cenv_provenance_asks_for(const struct cenv_json *specs, struct cenv_str name);

/* Has a record, its text, of the package `name` tell what was requested; false: no memory. */
bool cenv_provenance_set_requested(const struct cenv_json *specs, struct cenv_str name,
                                   struct cenv_buf *record);

/*
 * One template serves every request with its solution; requested specs, channels and URLs are those
 * of the request (docs/design/clone.md 2.5). Rewrites conda-meta of `prefix` (a directory) as a
 * fresh install would have written it. `provenance_json`: {"specs": [asked], "was": [the
 * template's], "urls": {"name-version-build": url}}, all optional; "" or NULL: nothing to do. Files
 * keep mode and time, so does conda-meta. Doing it again changes nothing. A record that is not in
 * conda's usual form (a set-up's own) is left as it is.
 */
int cenv_provenance_apply(int prefix, const char *provenance_json,
                          struct cenv_error *err);

/* The same for the directory at a path: what is mounted there, for an overlay. */
int cenv_provenance_apply_at(const char *path, const char *provenance_json,
                             struct cenv_error *err);

#endif
