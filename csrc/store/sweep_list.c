/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of a sweep: see sweep_list.h. */
#include "store/sweep_list.h"

enum { PATH_BYTES_MAX = 1 << 20 };

struct visit {
    struct cenv_sweep *sweep;
    cenv_layout_visit_fn of;
};

static int visit_entry(void *ctx, const struct cenv_dirent *entry,
                       struct cenv_error *err)
{
    const struct visit *visit = ctx;
    struct cenv_sweep *sweep = visit->sweep;
    struct cenv_error failed = CENV_ERROR_INIT;
    int rc = visit->of(sweep, entry, &failed);
    if (rc == CENV_ECANCELLED || rc == CENV_ENOMEM)
        return cenv_error_move(err, &failed);
    if (rc < 0) {
        cenv_error_move(&sweep->failure, &failed);
        sweep->failures++;
    }
    return 0;
}

int cenv_sweep_each(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                    cenv_layout_visit_fn visit, struct cenv_error *err)
{
    struct visit each = {sweep, visit};
    return cenv_layout_each(sweep->store, dir, sweep->task, visit_entry, &each, err);
}

int cenv_sweep_failure(struct cenv_sweep *sweep, struct cenv_error *err)
{
    if (sweep->failures == 0)
        return 0;
    if (sweep->failures > 1)
        cenv_error_prefix(&sweep->failure, "%zu leftovers cannot be removed, the first",
                          sweep->failures);
    return cenv_error_move(err, &sweep->failure);
}

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
