/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of a sweep: JSON, paths of a sweep, objects where one only looks. */
#include "store/sweep_list.h"

int cenv_sweep_list_add(struct cenv_sweep *sweep, const char *what, struct cenv_str dir,
                        const char *name, struct cenv_error *err)
{
    struct cenv_json_writer *w = sweep->found;
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(dir), *name ? "/" : "", name);
    if (sweep->look) {
        cenv_json_write_object(w, NULL);
        cenv_json_write_cstr(w, "what", what);
        cenv_json_write_str(w, "path", cenv_buf_str(&path));
        cenv_json_write_end(w);
    } else {
        cenv_json_write_str(w, NULL, cenv_buf_str(&path));
    }
    bool failed = path.failed || w->out->failed;
    cenv_buf_release(&path);
    return failed ? cenv_error_oom(err) : 0;
}

int cenv_sweep_list_add_entry(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                              const char *name, struct cenv_error *err)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    int rc =
        cenv_layout_add_path(sweep->store, dir, name, NULL, &path) < 0
            ? cenv_error_oom(err)
            : cenv_sweep_list_add(sweep, dir == CENV_STORE_TMP ? "work" : "template",
                                  cenv_buf_str(&path), "", err);
    cenv_buf_release(&path);
    return rc;
}
