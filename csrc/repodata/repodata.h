/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * repodata.json of one channel and subdir (CEP 36): found records by name at memory speed, parsed
 * one by one on demand.
 *
 * Calling sequence: map the file, cenv_repodata_scan over its bytes, then for every reachable name
 * cenv_repodata_records. A scan looks at structure only: it finds where each record starts and ends
 * and groups records by the name in their file name. What is inside a record is checked when it is
 * parsed, so one bad record costs one record.
 *
 * Threads: a scanned repodata is immutable; any number of threads may read it, each with its own
 * arena and list of skipped records.
 */
#ifndef CENV_REPODATA_REPODATA_H
#define CENV_REPODATA_REPODATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "model/record.h"

struct cenv_repodata; /* opaque */

/* Where the bytes come from. All spans are copied. */
struct cenv_repodata_source {
    struct cenv_str file;        /* named in messages */
    struct cenv_str subdir;      /* the one asked for */
    struct cenv_str channel;     /* canonical name ("conda-forge") */
    struct cenv_str channel_url; /* of the channel, no subdir, no secrets */
    struct cenv_str
        url; /* of the directory the file lies in, no secrets: what base_url is relative
                            to; empty: channel_url/subdir */
    uint32_t channel_rank;
    /* Or NULL: called every few MB with bytes that the scan has read and needs no more; a status
     * with `err` set ends the scan. */
    int (*passed)(void *ctx, const char *at, size_t len, struct cenv_error *err);
    void *ctx;
};

/*
 * `bytes` is borrowed and must outlive *out and every record parsed from it. An empty file is `{}`.
 * Refused with CENV_ECHANNEL: repodata_version above 2, info.subdir other than the one asked for,
 * base_url with credentials. Refused with CENV_EINTEGRITY: what is not JSON or ends early, naming
 * file and byte offset. The caller frees *out.
 */
int cenv_repodata_scan(struct cenv_repodata **out, struct cenv_str bytes,
                       const struct cenv_repodata_source *source,
                       struct cenv_error *err);
void cenv_repodata_free(struct cenv_repodata *rd); /* NULL is fine */

/* Names, lower case, sorted bytewise, each once; borrowed, live as long as `rd`. */
size_t cenv_repodata_nr_names(const struct cenv_repodata *rd);
struct cenv_str cenv_repodata_name(const struct cenv_repodata *rd, size_t index);

/* The number of a name (lower case), or SIZE_MAX when it is not there. */
size_t cenv_repodata_find(const struct cenv_repodata *rd, struct cenv_str name);

/* Entries of all sections, twins and removed ones included (for progress and statistics). */
size_t cenv_repodata_nr_entries(const struct cenv_repodata *rd);

/* subdir and channel as resolved at the scan; base_url absolute, with '/' at its end. */
const struct cenv_record_origin *cenv_repodata_origin(const struct cenv_repodata *rd);

/* A record left out, and why ("depends[2] is not a string"). */
struct cenv_skip {
    struct cenv_str fn, reason;
    struct cenv_skip *next;
};

/* Grows at its end; memory is of the arena given to cenv_repodata_records. Zero is empty. */
struct cenv_skips {
    struct cenv_skip *first, *last;
    size_t nr;
};

/* Called once per candidate; `record` itself is the visit's and to be copied, all it points to lives
 * as long as the arena, the bytes and the repodata. Returns 0 to go on, or a negative status with `err` set, which ends the visit. */
typedef int (*cenv_record_fn)(void *ctx, struct cenv_record *record,
                              struct cenv_error *err);

/*
 * Parses the candidates called `name` (lower case) into `arena` and visits each, in bytewise order
 * of the file name without extension: `removed` ones are left out, of twins only the .conda is
 * given (with legacy_bz2_md5 and _size of its twin), of a file name listed twice the last one.
 * Malformed records are added to `skips` (may be NULL) and do not stop the visit. A name that is
 * not there visits nothing. Fails only as the visitor does, with CENV_ENOMEM, and when the file of
 * an unpacked index cannot be read any more (CENV_EINTEGRITY).
 */
int cenv_repodata_records(const struct cenv_repodata *rd, struct cenv_str name,
                          struct cenv_arena *arena, struct cenv_skips *skips,
                          cenv_record_fn visit, void *ctx, struct cenv_error *err);

/*
 * Fills *out with all of a record that a block gave only in part (parsed_name.h), reading its JSON into
 * `arena`; of any other record it makes a copy. CENV_EINTEGRITY when the file has changed.
 */
int cenv_repodata_complete(const struct cenv_repodata *rd,
                           const struct cenv_record *record, struct cenv_arena *arena,
                           struct cenv_record *out, struct cenv_error *err);

/* ---- the binary index: what a scan finds, kept for the next time ---- */

/* What the file looked like when it was scanned, as the caller sees it (size, times, inode, ...);
 * compared as bytes, so zero what is not used. */
struct cenv_repodata_stamp {
    uint64_t words[16];
};

/* Appends the index of `rd`; 0 or CENV_ENOMEM. For this machine's byte order and this version. */
int cenv_repodata_pack(const struct cenv_repodata *rd,
                       const struct cenv_repodata_stamp *stamp, struct cenv_buf *out,
                       struct cenv_error *err);

/* The stamp in an index, which is not looked at further; false when it is none. */
bool cenv_repodata_stamp_of(struct cenv_str packed, struct cenv_repodata_stamp *out);

/* The file's bytes, read when a name is asked for. `read` gives all `len` bytes from `at` on (0) or
 * fails (-1); any thread may call it, as long as the repodata lives. */
struct cenv_repodata_bytes {
    int (*read)(void *ctx, uint64_t at, char *out, size_t len);
    void *ctx;
    uint64_t len;
};

/*
 * As cenv_repodata_scan, from `packed` instead of a scan, which is borrowed and must outlive *out.
 * Of the file only the records asked for are read, into the arena they are parsed into. 1, and
 * nothing is made: the index is of another stamp, version or length of the file, or it is damaged;
 * scan then. Every table is checked, so that a damaged one can mislead but not harm.
 */
int cenv_repodata_unpack(struct cenv_repodata **out,
                         const struct cenv_repodata_bytes *bytes,
                         struct cenv_str packed,
                         const struct cenv_repodata_stamp *stamp,
                         const struct cenv_repodata_source *source,
                         struct cenv_error *err);

#endif
