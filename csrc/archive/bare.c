/* SPDX-License-Identifier: BSD-3-Clause */
/* Packages linked and no more: see bare.h. */
#include "archive/bare.h"

#include "base/arena.h"
#include "link/input.h"
#include "link/link.h"
#include "os/fs_where.h"

enum { PATH_BYTES_MAX = 1 << 20 };

static int link_packages(const struct cenv_bare *bare, const char *path,
                         struct cenv_link_plan **plan)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_link_package *packages = NULL;
    struct cenv_link_stats stats = {0};
    struct cenv_link_options options = {.store = bare->store,
                                        .target_prefix = bare->target,
                                        .mode = CENV_PLACE_AUTO,
                                        .own_inodes = true,
                                        .no_compile = !bare->made,
                                        .no_records = !bare->made,
                                        .no_scripts = true,
                                        .keep_sites = plan != NULL};
    size_t nr = 0;
    int rc = cenv_link_input_packages(bare->store, bare->records, &arena, &packages,
                                      &nr, bare->err);
    if (rc == 0)
        rc = cenv_link(path, packages, nr, &options, plan, &stats, bare->task,
                       bare->err);
    cenv_link_stats_release(&stats);
    cenv_arena_release(&arena);
    return rc;
}

int cenv_bare_link(const struct cenv_bare *bare, int dir, struct cenv_link_plan **plan)
{
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    int rc = cenv_fs_path_of(dir, NULL, &path) ? 0 : cenv_error_oom(bare->err);
    if (rc == 0)
        rc = link_packages(bare, path.data, plan);
    cenv_buf_release(&path);
    return rc;
}
