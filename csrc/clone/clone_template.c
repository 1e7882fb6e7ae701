/* SPDX-License-Identifier: BSD-3-Clause */
/* By the registry of clones, which has the source of each, and by what lies there. */
#include "clone/clone_template.h"

#include <string.h>

#include "base/alloc.h"
#include "cenv.h"
#include "clone/unaltered.h"
#include "os/fs.h"
#include "os/subvolume.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"

/* Clones are entered by the path that they were given, be there links in it or not. */
static int find_entry(struct cenv_clone_template *t, const struct cenv_store *store,
                      const struct cenv_clone_source *clone, const char *path,
                      struct cenv_clone_entry *out, struct cenv_error *err)
{
    char *clean = cenv_newprefix_clean_path(path, err);
    if (!clean)
        return err->status;
    int rc = cenv_clone_registry_find(store, clean, &t->arena, out, err);
    if (rc == 1 && strcmp(clean, clone->path) != 0)
        rc = cenv_clone_registry_find(store, clone->path, &t->arena, out, err);
    cenv_free(clean);
    return rc;
}

/* From another file system less could be shared than from the clone itself; an overlay has no files
 * that could be. A snapshot has a device of its own. */
static bool is_within_reach(const struct cenv_clone_template *t,
                            const struct cenv_clone_source *clone,
                            const struct cenv_clone_entry *entry)
{
    return entry->shown_ino != 0 ||
           cenv_raw_is_one_file_system(clone->fd, t->source.fd);
}

/* 0 when the clone is still what its template is; 1 when not. */
static int compare_with_template(struct cenv_clone_template *t,
                                 struct cenv_store *store,
                                 const struct cenv_clone_source *clone,
                                 const struct cenv_clone_entry *entry,
                                 struct cenv_task *task, struct cenv_error *err)
{
    int64_t since_ns;
    int rc = cenv_clone_registry_time(store, entry->path, &since_ns, err);
    if (rc == 0)
        rc = cenv_clone_source_open(&t->source, entry->source, err);
    if (rc == 0 && !is_within_reach(t, clone, entry))
        rc = 1;
    if (rc == 0)
        rc = cenv_clone_source_template(&t->source, store, task, err);
    if (rc != 0)
        return rc;
    rc = cenv_unaltered_check(entry, clone->fd, since_ns, &t->source, task, err);
    return rc < 0 ? rc : !rc;
}

/* Nothing there, not readable, not a template: the clone itself is there to be cloned. */
static int forgive(int rc, struct cenv_error *err)
{
    if (rc >= 0 || rc == CENV_ECANCELLED || rc == CENV_ENOMEM)
        return rc;
    cenv_error_release(err);
    return 1;
}

int cenv_clone_template_find(struct cenv_clone_template *out, struct cenv_store *store,
                             const struct cenv_clone_source *clone, const char *path,
                             struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_clone_template t = CENV_CLONE_TEMPLATE_INIT;
    struct cenv_clone_entry entry;
    int rc = find_entry(&t, store, clone, path, &entry, err);
    if (rc == 0)
        rc = cenv_lease_take(store, &t.lease, err);
    if (rc == 0)
        rc = compare_with_template(&t, store, clone, &entry, task, err);
    t.provenance = rc == 0 && entry.provenance ? entry.provenance : "";
    if (rc == 0)
        *out = t;
    else
        cenv_clone_template_release(&t);
    return forgive(rc, err);
}

void cenv_clone_template_release(struct cenv_clone_template *found)
{
    cenv_clone_source_close(&found->source);
    cenv_lease_free(found->lease);
    cenv_arena_release(&found->arena);
    *found = (struct cenv_clone_template)CENV_CLONE_TEMPLATE_INIT;
}
