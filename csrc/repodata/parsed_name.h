/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All candidates of one name of one repodata, parsed once for many solves: their records, and their
 * dependencies as numbers of the few texts there are. A name can be packed into a block of bytes, from
 * which it is had again without reading JSON.
 *
 * A record from a block is `partial`: it has what ordering and most specs look at, no md5, sha256, size,
 * licences, flags or raw JSON, and of its track_features only the number. cenv_repodata_complete
 * reads the rest from the file.
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
    bool partial;
    struct cenv_arena arena; /* of all of it */
};

/* Reads the name of number `name` in `rd`; 0, or a status as cenv_repodata_records. */
int cenv_parsed_name_read(struct cenv_parsed_name *out, const struct cenv_repodata *rd,
                          size_t name, struct cenv_error *err);
void cenv_parsed_name_release(
    struct cenv_parsed_name *p); /* zero-initialised is fine */

/* Appends the block of `p`, its length a multiple of 8. 0; 1, and nothing is appended: it has what a
 * block cannot say (skips, extras, flags); or CENV_ENOMEM. */
int cenv_parsed_name_pack(const struct cenv_parsed_name *p, struct cenv_buf *out);

/* The name again, from a block at an address that 8 divides, which is borrowed. 0; 1: the block is
 * damaged, every number in it having been checked; or CENV_ENOMEM. */
int cenv_parsed_name_unpack(struct cenv_parsed_name *out,
                            const struct cenv_repodata *rd, size_t name,
                            struct cenv_str block);

#endif
