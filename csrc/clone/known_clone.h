/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone that the store knows, by the path that a user gave. */
#ifndef CENV_CLONE_KNOWN_CLONE_H
#define CENV_CLONE_KNOWN_CLONE_H

#include "store/clone_registry.h"

/*
 * Its entry, read into `arena`, when what lies there is the very directory that was entered.
 * CENV_EPREFIX with `hint` where it is none, or `store` is NULL.
 */
int cenv_known_clone_find(const struct cenv_store *store, const char *path,
                          const char *hint, struct cenv_arena *arena,
                          struct cenv_clone_entry *out, struct cenv_error *err);

#endif
