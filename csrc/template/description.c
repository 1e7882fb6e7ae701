/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest and template.json of an entry: see description.h. */
#include "template/description.h"

#include "manifest/manifest_foreign.h"
#include "os/fs_data.h"
#include "store/template_entry.h"

int cenv_description_save_manifest(int dir, int prefix, const char *path,
                                   struct cenv_task *task, struct cenv_error *err)
{
    const struct cenv_manifest_hints hints = {.shared = true};
    struct cenv_manifest *manifest = NULL;
    int rc = cenv_manifest_of_environment(&manifest, prefix, path, &hints, task, err);
    if (rc == 0)
        rc = cenv_manifest_save(manifest, dir, CENV_TEMPLATE_MANIFEST, err);
    cenv_manifest_free(manifest);
    return rc;
}

int cenv_description_save_text(int dir, struct cenv_str json, struct cenv_error *err)
{
    return cenv_fs_write_atomic(dir, CENV_TEMPLATE_JSON, json, 0644, err);
}

int cenv_description_save(int dir, const struct cenv_json *doc, struct cenv_error *err)
{
    struct cenv_buf text;
    cenv_buf_init(&text, SIZE_MAX / 2);
    int rc = cenv_json_print(doc, 0, &text)
                 ? cenv_description_save_text(dir, cenv_buf_str(&text), err)
                 : cenv_error_oom(err);
    cenv_buf_release(&text);
    return rc;
}
