/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of a sweep: see sweep_list.h. */
#include "store/sweep_list.h"

enum { PATH_BYTES_MAX = 1 << 20 };

void cenv_sweep_list_add(struct cenv_sweep *sweep, const char *what,
                         struct cenv_str dir, const char *name)
{
    struct cenv_json_writer *list = &sweep->list;
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(dir), *name ? "/" : "", name);
    if (sweep->look) {
        cenv_json_write_object(list, NULL);
        cenv_json_write_cstr(list, "what", what);
        cenv_json_write_str(list, "path", cenv_buf_str(&path));
        cenv_json_write_end(list);
    } else {
        cenv_json_write_str(list, NULL, cenv_buf_str(&path));
    }
    list->out->failed |= path.failed;
    cenv_buf_release(&path);
}

void cenv_sweep_list_add_entry(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                               const char *name)
{
    struct cenv_buf parent;
    cenv_buf_init(&parent, PATH_BYTES_MAX);
    cenv_buf_addf(&parent, "%s/%s", sweep->store->path, cenv_layout_name(dir));
    cenv_sweep_list_add(sweep, dir == CENV_STORE_TMP ? "work" : "template",
                        cenv_buf_str(&parent), name);
    sweep->list.out->failed |= parent.failed;
    cenv_buf_release(&parent);
}
