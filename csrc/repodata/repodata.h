/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * repodata.json of one channel and subdir (CEP 36): found records by name at memory speed, parsed
 * one by one on demand.
 *
 * Calling sequence: map the file, cenv_repodata_scan over its bytes, then for every reachable
 * name cenv_repodata_records. A scan looks at structure only: it finds where each record starts
 * and ends and groups records by the name in their file name. What is inside a record is checked
 * when it is parsed, so one bad record costs one record.
 *
 * Threads: a scanned repodata is immutable; any number of threads may read it, each with its own
 * arena and list of skipped records.
 */
#ifndef CENV_REPODATA_REPODATA_H
#define CENV_REPODATA_REPODATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "model/record.h"

struct cenv_repodata; /* opaque */

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

/* What it says of its relations to other channels (CEP 42), as JSON, or empty; borrowed. */
struct cenv_str cenv_repodata_relations(const struct cenv_repodata *rd);

/* A record that is left out, and why ("depends[2] is not a string"). */
struct cenv_skip {
    struct cenv_str fn, reason;
    struct cenv_skip *next;
};

/* A list that grows at its end, of memory of the arena given to cenv_repodata_records. All zero
 * is empty. */
struct cenv_skips {
    struct cenv_skip *first, *last;
    size_t nr;
};

/* A visitor, called once per candidate. `record` itself lasts as long as the call, all that it
 * points to as long as the arena, the bytes and the repodata. It returns 0 to go on, or a status
 * with `err` set, which ends the visit. */
typedef int (*cenv_record_fn)(void *ctx, struct cenv_record *record,
                              struct cenv_error *err);

/*
 * Parses the candidates called `name` (lower case) into `arena` and visits each, in bytewise
 * order of the file name without extension: `removed` ones are left out, of twins only the .conda
 * is given (with legacy_bz2_md5 and _size of its twin), of a file name listed twice the last one.
 * Malformed records are added to `skips` (may be NULL) and do not stop the visit. A name that is
 * not there visits nothing. Fails only as the visitor does, with CENV_ENOMEM, and when the file
 * of an unpacked index cannot be read any more (CENV_EINTEGRITY).
 */
int cenv_repodata_records(const struct cenv_repodata *rd, struct cenv_str name,
                          struct cenv_arena *arena, struct cenv_skips *skips,
                          cenv_record_fn visit, void *ctx, struct cenv_error *err);

/* A block gave the record only in part (parsed_name.h): its JSON is known to be there, not
 * read. */
static inline bool cenv_repodata_is_partial(const struct cenv_record *record)
{
    return record->raw.len && !record->raw.data;
}

/*
 * Fills *out with all of a partial record, reading its JSON into `arena`; of any other record it
 * makes a copy. CENV_EINTEGRITY when the file has changed.
 */
int cenv_repodata_complete(const struct cenv_repodata *rd,
                           const struct cenv_record *record, struct cenv_arena *arena,
                           struct cenv_record *out, struct cenv_error *err);

#endif
