/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All candidates of one name of one repodata, parsed once for many solves: their records, and
 * their dependencies as numbers of the few texts there are. A name can be packed into a block of
 * bytes, from which it is had again without reading JSON.
 *
 * Records from a block are partial (cenv_repodata_is_partial): they have what ordering and most
 * specs look at, but no md5, sha256, size, licences, flags or raw JSON, and of their
 * track_features only the number. cenv_repodata_complete reads the rest from the file.
 */
#ifndef CENV_REPODATA_PARSED_NAME_H
#define CENV_REPODATA_PARSED_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "repodata/repodata.h"

struct cenv_parsed_name {
    struct cenv_record *records; /* in the order of cenv_repodata_records */
    uint32_t nr;
    uint32_t *first;        /* by record, and one more: where its links start */
    const uint32_t *links;  /* numbers of specs: what it depends on, then constrains */
    struct cenv_str *specs; /* distinct texts */
    uint32_t nr_specs;
    struct cenv_skips skips; /* records that cannot be used, and why */
    bool partial;            /* from a block, which holds `links` too */
    struct cenv_arena arena; /* of all of it */
};

/* Reads the name of number `name` in `rd`; 0, or a status as cenv_repodata_records. */
int cenv_parsed_name_read(struct cenv_parsed_name *out, const struct cenv_repodata *rd,
                          size_t name, struct cenv_error *err);
/* All zero is fine. */
void cenv_parsed_name_release(struct cenv_parsed_name *p);

/* Appends the block of `p`, whose length is a multiple of 8: 0. 1, and nothing is appended: it
 * has what a block cannot say (skips, extras, flags). CENV_ENOMEM. */
int cenv_parsed_name_pack(const struct cenv_parsed_name *p, struct cenv_buf *out);

/* Makes the name again from a block, which is borrowed and lies at an address that 8 divides: 0.
 * 1: the block is damaged, for every number in it is checked. CENV_ENOMEM. */
int cenv_parsed_name_unpack(struct cenv_parsed_name *out,
                            const struct cenv_repodata *rd, size_t name,
                            struct cenv_str block);

#endif
