/* SPDX-License-Identifier: BSD-3-Clause */
/* What an archive may make of this machine: bounds that grow with its size, so that a small one
 * stays a small matter. docs/limits.md lists them, and all others. */
#ifndef CENV_CODEC_LIMITS_H
#define CENV_CODEC_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* What is left of each while a package or an archive of templates is read. */
struct cenv_limits {
    uint64_t bytes;   /* content of members */
    uint64_t entries; /* members, and directories made for them */
    uint64_t names;   /* bytes of their names and of the targets of links */
    uint64_t text;    /* of one document that is read whole; nothing is taken from it */
};

/* Those of an archive of `size` bytes. */
void cenv_limits_init(struct cenv_limits *limits, uint64_t size);

/* Takes `much` from one of them; false when less is left. */
bool cenv_limits_take(uint64_t *left, uint64_t much);

/* What repodata of `size` compressed bytes may expand to, and plain repodata may have. */
uint64_t cenv_limits_repodata(uint64_t size);
#define CENV_LIMITS_REPODATA_MAX (1ULL << 30)

#endif
