/* SPDX-License-Identifier: BSD-3-Clause */
/* Clones by their paths. */
#include "clone/known_clone.h"

#include "base/alloc.h"
#include "prefix/new_prefix.h"

/* 1: there is none. */
static int load_entry(const struct cenv_store *store, const char *path,
                      struct cenv_registered_clone *out, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc == 0)
        rc = cenv_clone_registry_load(store, name, out, err);
    if (rc != 0)
        return rc;
    if (strcmp(out->path, path) == 0 && cenv_clone_registry_is_there(out))
        return 0;
    cenv_clone_registry_release(out);
    return 1;
}

int cenv_known_clone_find(const struct cenv_store *store, const char *path,
                          const char *hint, struct cenv_registered_clone *out,
                          struct cenv_error *err)
{
    char *clean = cenv_prefix_path_clean(path, err);
    if (!clean)
        return err->status;
    int rc = store ? load_entry(store, clean, out, err) : 1;
    cenv_free(clean);
    if (rc != 1)
        return rc;
    cenv_error_set(err, CENV_EPREFIX, "'%s' is not a clone that the store knows", path);
    return cenv_error_hint(err, "%s", hint);
}
