/* SPDX-License-Identifier: BSD-3-Clause */
/* What both the planner and the steps of a link need: see plan_base.h. */
#include "link/plan_base.h"

#include "base/alloc.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_beneath.h"

int cenv_link_open_parent(struct cenv_dirs *dirs, struct cenv_str path,
                          const char **name, struct cenv_error *err)
{
    struct cenv_str base;
    int fd = cenv_dirs_parent(dirs, path, 0, &base);

    if (fd < 0)
        return cenv_fs_fail(err, fd, dirs->root, path.data,
                            "cannot open the directory of");
    *name = base.data;
    return fd;
}

void cenv_link_plan_free(struct cenv_link_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->nr_packages; i++) {
        cenv_json_free(plan->packages[i].record);
        cenv_paths_json_release(&plan->packages[i].info);
        cenv_fd_close(plan->packages[i].content);
    }
    for (size_t i = 0; i < plan->nr; i++)
        if (plan->entries[i].sites) {
            cenv_sites_release(plan->entries[i].sites);
            cenv_free(plan->entries[i].sites);
        }
    for (size_t i = 0; i < plan->nr_needles; i++)
        cenv_forms_release(&plan->needles[i]);
    cenv_free(plan->needles);
    cenv_map_release(&plan->needle_map);
    cenv_forms_release(&plan->forms);
    cenv_map_release(&plan->targets);
    cenv_map_release(&plan->dir_map);
    cenv_arena_release(&plan->arena);
    cenv_free(plan->packages);
    cenv_free(plan->entries);
    cenv_free(plan->dirs);
    cenv_free(plan->order);
    cenv_free(plan);
}
