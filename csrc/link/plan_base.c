/* SPDX-License-Identifier: BSD-3-Clause */
/* What both the planner and the steps of a link need: see plan_base.h. */
#include "link/plan_base.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

int cenv_link_warn(struct cenv_link_stats *stats, const char *format, ...)
{
    char text[CENV_MESSAGE_MAX], **list;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    list = cenv_reallocarray(stats->warnings, stats->nr_warnings + 1, sizeof(*list));
    if (!list)
        return -1;
    stats->warnings = list;
    list[stats->nr_warnings] = cenv_strdup(text);
    return list[stats->nr_warnings] ? (int)(stats->nr_warnings++, 0) : -1;
}

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
