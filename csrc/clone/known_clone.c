/* SPDX-License-Identifier: BSD-3-Clause */
/* Clones by their paths. */
#include "clone/known_clone.h"

#include "base/alloc.h"
#include "prefix/new_prefix.h"

int cenv_known_clone_find(const struct cenv_store *store, const char *path,
                          const char *hint, struct cenv_arena *arena,
                          struct cenv_clone_entry *out, struct cenv_error *err)
{
    char *clean = cenv_newprefix_clean_path(path, err);
    if (!clean)
        return err->status;
    int rc = store ? cenv_clone_registry_find(store, clean, arena, out, err) : 1;
    cenv_free(clean);
    if (rc != 1)
        return rc;
    cenv_error_set(err, CENV_EPREFIX, "'%s' is not a clone that the store knows", path);
    return cenv_error_hint(err, "%s", hint);
}
