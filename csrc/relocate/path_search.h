/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds a real path, which other paths may contain, in files no package vouches for. Pure. */
#ifndef CENV_RELOCATE_PATH_SEARCH_H
#define CENV_RELOCATE_PATH_SEARCH_H

#include "relocate/sites.h"

/*
 * The names of one directory: as given, resolved, as its files have it; longest first, each in all
 * encodings. Borrowed: prefix_names.h owns those of an environment.
 */
struct cenv_search_names {
    const struct cenv_forms *list;
    size_t nr;
};

/*
 * Whether any of the names occurs in any encoding, boundaries or not: a quick test before a search.
 */
bool cenv_path_search_any(struct cenv_str data, const struct cenv_search_names *names);

/* Whether cenv_path_search would find sites or a reason: it is named here, or perhaps. */
bool cenv_path_search_names(struct cenv_str data,
                            const struct cenv_search_names *names);

/*
 * Whether a file that begins so is compressed or a ZIP archive: what it holds shows only unpacked.
 */
bool cenv_path_search_is_packed(struct cenv_str head);

/* The bytes before the end of one block that the next must repeat for nothing to be missed. */
size_t cenv_path_search_overlap(const struct cenv_search_names *names);

/*
 * Where a file names the directory: `/tmp/env` counts in "/tmp/env/bin" and "-L/tmp/env", not in
 * "/tmp/env2" or "/srv/tmp/env". Text is what has no NUL, or starts with the mark of UTF-16 or
 * UTF-32; there also percent-encoded in file:// URLs and as "\/" of JSON, and first lines in each
 * of their forms. Elsewhere only C strings are sites, with no more room than they take; what is
 * named where no length can change (archives, databases, strings of counted length) sets *reason, a
 * literal, and is no site. Otherwise *reason is NULL.
 */
int cenv_path_search(struct cenv_sites *sites, struct cenv_str data,
                     const struct cenv_search_names *names, const char **reason,
                     struct cenv_error *err);

/*
 * The same in a text of a package: its placeholder was replaced wherever it stood, so whatever
 * stands before the path ("./tmp/env", as in every _sysconfigdata) makes it no other.
 */
int cenv_path_search_package(struct cenv_sites *sites, struct cenv_str data,
                             const struct cenv_search_names *names, const char **reason,
                             struct cenv_error *err);

/* A link's target: how many bytes of it are one of the names (up to a "/" or the end), or 0. */
size_t cenv_path_search_link(struct cenv_str target,
                             const struct cenv_search_names *names);

#endif
