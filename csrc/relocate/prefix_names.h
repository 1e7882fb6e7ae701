/* SPDX-License-Identifier: BSD-3-Clause */
/* The names by which an environment's files may call it. */
#ifndef CENV_RELOCATE_PREFIX_NAMES_H
#define CENV_RELOCATE_PREFIX_NAMES_H

#include "relocate/path_search.h"

enum { CENV_PREFIX_NAMES_MAX = 8 };

struct cenv_prefix_names {
    struct cenv_forms forms[CENV_PREFIX_NAMES_MAX]; /* longest first */
    size_t nr;
};

/*
 * `path` (links resolved) and what the environment at `root` was called when it was made, through
 * whatever links: what pixi and venv note down, and the interpreters its scripts name. A candidate
 * counts only when it leads to the very same directory. CENV_EOS, CENV_ENOMEM; then `out` is
 * untouched.
 */
int cenv_prefix_names_find(struct cenv_prefix_names *out, int root, const char *path,
                           struct cenv_error *err);

/* One more, unless the list is full; CENV_EUSAGE, CENV_ENOMEM. */
int cenv_prefix_names_add(struct cenv_prefix_names *list, struct cenv_str path,
                          struct cenv_error *err);
void cenv_prefix_names_release(struct cenv_prefix_names *list);

static inline struct cenv_search_names
cenv_prefix_names_view(const struct cenv_prefix_names *list)
{
    return (struct cenv_search_names){list->forms, list->nr};
}

#endif
