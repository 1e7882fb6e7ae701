/* SPDX-License-Identifier: BSD-3-Clause */
/* One text or binary for a user of cenv.h. */
#include "cenv.h"
#include "relocate/splice.h"

int cenv_relocate(struct cenv_str data, struct cenv_str placeholder,
                  struct cenv_str prefix, bool binary, struct cenv_buf *out,
                  struct cenv_error *err)
{
    struct cenv_sites sites = {0};
    struct cenv_forms forms = {0};
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_sites_scan(&sites, data, placeholder,
                             binary ? CENV_MODE_BINARY : CENV_MODE_TEXT, &task, err);
    if (rc == 0)
        rc = cenv_forms_init(&forms, prefix, err);
    if (rc == 0)
        rc = cenv_splice_apply(&sites, data, &forms, &task, out, err);
    cenv_forms_release(&forms);
    cenv_sites_release(&sites);
    cenv_task_release(&task);
    return rc;
}
