/* SPDX-License-Identifier: BSD-3-Clause */
/* Warnings are texts of a message's length at most: see stats.h. */
#include "link/stats.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

bool cenv_link_stats_warn(struct cenv_link_stats *stats, const char *format, ...)
{
    char text[CENV_MESSAGE_MAX], **list;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    list = cenv_reallocarray(stats->warnings, stats->nr_warnings + 1, sizeof(*list));
    if (!list)
        return false;
    stats->warnings = list;
    list[stats->nr_warnings] = cenv_strdup(text);
    if (!list[stats->nr_warnings])
        return false;
    stats->nr_warnings++;
    return true;
}

void cenv_link_stats_release(struct cenv_link_stats *stats)
{
    for (size_t i = 0; i < stats->nr_warnings; i++)
        cenv_free(stats->warnings[i]);
    cenv_free(stats->warnings);
    cenv_free(stats->messages);
    *stats = (struct cenv_link_stats){0};
}
