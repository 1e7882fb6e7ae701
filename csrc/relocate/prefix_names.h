/* SPDX-License-Identifier: BSD-3-Clause */
/* The names by which an environment's files may call it. */
#ifndef CENV_RELOCATE_PREFIX_NAMES_H
#define CENV_RELOCATE_PREFIX_NAMES_H

#include "relocate/path_search.h"

enum { CENV_ALIASES_MAX = 8 };

struct cenv_alias_list {
    struct cenv_forms forms[CENV_ALIASES_MAX]; /* longest first */
    size_t nr;
};

/*
 * `path` (links resolved) and what the environment at `root` was called when it was made, through
 * whatever links: what pixi and venv note down, and the interpreters its scripts name. A candidate
 * counts only when it leads to the very same directory.
 */
int cenv_aliases_find(struct cenv_alias_list *out, int root, const char *path,
                      struct cenv_error *err);
void cenv_aliases_release(struct cenv_alias_list *list);

static inline struct cenv_aliases cenv_aliases_of(const struct cenv_alias_list *list)
{
    return (struct cenv_aliases){list->forms, list->nr};
}

#endif
