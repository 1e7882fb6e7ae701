/* SPDX-License-Identifier: BSD-3-Clause */
/* The binary index of a repodata: what a scan finds, kept for the next time. */
#ifndef CENV_REPODATA_BINARY_INDEX_H
#define CENV_REPODATA_BINARY_INDEX_H

#include "base/buf.h"
#include "repodata/repodata.h"
#include "repodata/repodata_source.h"

/* What the file looked like when it was scanned, in the caller's words (size, times, inode, ...).
 * Stamps are compared as bytes, so the caller zeroes what it does not use. */
struct cenv_repodata_stamp {
    uint64_t words[16];
};

/* Appends the index of `rd`, for the byte order of this machine and this version of the format. 0
 * or CENV_ENOMEM. */
int cenv_binary_index_pack(const struct cenv_repodata *rd,
                           const struct cenv_repodata_stamp *stamp,
                           struct cenv_buf *out, struct cenv_error *err);

/* Reads the stamp of an index and looks at nothing else. False: it is no index. */
bool cenv_binary_index_stamp(struct cenv_str packed, struct cenv_repodata_stamp *out);

/*
 * As cenv_repodata_scan, but from an index, which is borrowed and must outlive *out. Of the file
 * only the records asked for are read, into the arena that they are parsed into. 1, and nothing
 * is made: the index is of another stamp, version or length of the file, or damaged; the caller
 * scans the file then. Every table is checked, so that a damaged one can mislead but not harm.
 */
int cenv_binary_index_unpack(struct cenv_repodata **out,
                             const struct cenv_repodata_bytes *bytes,
                             struct cenv_str packed,
                             const struct cenv_repodata_stamp *stamp,
                             const struct cenv_repodata_source *source,
                             struct cenv_error *err);

#endif
