/* SPDX-License-Identifier: BSD-3-Clause */
/* What a link did, and what it has to tell the user. */
#ifndef CENV_LINK_STATS_H
#define CENV_LINK_STATS_H

#include <stddef.h>
#include <stdint.h>

/* What happened; counts of files. */
struct cenv_link_stats {
    uint64_t files, directories, symlinks, reflinked, hardlinked, copied, relocated,
        compiled;
    uint64_t bytes_copied;
    uint64_t
        fallbacks; /* files that could not be linked as asked for and were copied */
    char **
        warnings; /* clobbered paths, case, compilation, in order of discovery; owned */
    size_t nr_warnings;
    char *messages; /* what link scripts left in .messages.txt, or NULL; owned */
};

void cenv_link_stats_release(struct cenv_link_stats *stats);

/* Appends a warning; 0 or -1 when out of memory. */
int cenv_link_stats_warn(struct cenv_link_stats *stats, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
