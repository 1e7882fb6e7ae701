/* SPDX-License-Identifier: BSD-3-Clause */
/* The binary index of a repodata: what a scan finds, kept for the next time. */
#ifndef CENV_REPODATA_BINARY_INDEX_H
#define CENV_REPODATA_BINARY_INDEX_H

#include "base/buf.h"
#include "repodata/repodata.h"
#include "repodata/repodata_source.h"

/* What the file looked like when it was scanned, as the caller sees it (size, times, inode, ...);
 * compared as bytes, so zero what is not used. */
struct cenv_repodata_stamp {
    uint64_t words[16];
};

/* Appends the index of `rd`; 0 or CENV_ENOMEM. For this machine's byte order and this version. */
int cenv_binary_index_pack(const struct cenv_repodata *rd,
                           const struct cenv_repodata_stamp *stamp,
                           struct cenv_buf *out, struct cenv_error *err);

/* The stamp in an index, which is not looked at further; false when it is none. */
bool cenv_binary_index_stamp(struct cenv_str packed, struct cenv_repodata_stamp *out);

/*
 * As cenv_repodata_scan, from `packed` instead of a scan, which is borrowed and must outlive *out.
 * Of the file only the records asked for are read, into the arena they are parsed into. 1, and
 * nothing is made: the index is of another stamp, version or length of the file, or it is damaged;
 * scan then. Every table is checked, so that a damaged one can mislead but not harm.
 */
int cenv_binary_index_unpack(struct cenv_repodata **out,
                             const struct cenv_repodata_bytes *bytes,
                             struct cenv_str packed,
                             const struct cenv_repodata_stamp *stamp,
                             const struct cenv_repodata_source *source,
                             struct cenv_error *err);

#endif
