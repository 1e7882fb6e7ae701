/* SPDX-License-Identifier: BSD-3-Clause */
/* What a link did, and what it has to tell the user. */
#ifndef CENV_LINK_STATS_H
#define CENV_LINK_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/format.h"

/* What happened. Zero-initialised: nothing. */
struct cenv_link_stats {
    /* Counts of files. */
    uint64_t files, directories, symlinks, reflinked, hardlinked, copied, relocated;
    uint64_t compiled, bytes_copied;
    /* Files that could not be linked as asked for and were copied. */
    uint64_t fallbacks;
    /* Owned: clobbered paths, compilation that failed, in order of discovery. */
    char **warnings;
    size_t nr_warnings;
    char *messages; /* owned: what link scripts left in .messages.txt, or NULL */
};

void cenv_link_stats_release(struct cenv_link_stats *stats);

/* Appends a warning; false: out of memory. */
bool cenv_link_stats_warn(struct cenv_link_stats *stats, const char *format, ...)
    CENV_PRINTF(2, 3);

#endif
