/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether every file of a source can name the clone's path. */
#include "clone/prepared_clone.h"

#include "base/alloc.h"
#include "relocate/splice.h"

/* Where the prefix does not fit: an error in a package's file, a verbatim copy of others. */
static int check_room(struct cenv_prepared_clone *p, struct cenv_error *err)
{
    for (uint32_t i = 0; i < p->m->nr_relocs; i++) {
        const struct cenv_mf_file *file = &p->m->files[p->m->relocs[i].file];
        struct cenv_sites sites = cenv_mf_sites(p->m, &p->m->relocs[i]);
        struct cenv_error why = CENV_ERROR_INIT;
        if (cenv_splice_check_room(&sites, &p->forms, &why) == 0)
            continue;
        if (file->flags & CENV_MF_MANAGED) {
            const char *dir = cenv_mf_cstr(p->m, p->m->dirs[file->dir].path);
            cenv_error_move(err, &why);
            return cenv_error_prefix(err, "'%s%s%s'", dir, *dir ? "/" : "",
                                     cenv_mf_cstr(p->m, file->name));
        }
        p->verbatim[i] = 1;
        cenv_error_release(&why);
    }
    return 0;
}

int cenv_prepared_clone_init(struct cenv_prepared_clone *out,
                             const struct cenv_manifest *m, int src,
                             struct cenv_str prefix, struct cenv_error *err)
{
    *out = (struct cenv_prepared_clone){.m = m, .src = src};
    out->verbatim = cenv_calloc((size_t)m->nr_relocs + 1, 1);
    int rc = out->verbatim ? 0 : cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_forms_init(&out->forms, prefix, err);
    if (rc == 0)
        rc = check_room(out, err);
    if (rc < 0)
        cenv_prepared_clone_release(out);
    return rc;
}

void cenv_prepared_clone_release(struct cenv_prepared_clone *prepared)
{
    cenv_free(prepared->verbatim);
    cenv_forms_release(&prepared->forms);
    *prepared = (struct cenv_prepared_clone){.src = -1};
}
