/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names of one repodata that solves have asked for, parsed once: kept in memory as long as the
 * index lives, and in a file beside the binary index, so that the next process starts with them.
 */
#ifndef CENV_REPODATA_PARSED_CACHE_H
#define CENV_REPODATA_PARSED_CACHE_H

#include <stdatomic.h>

#include "repodata/index_file.h"
#include "repodata/parsed_name.h"
#include "repodata/spec_table.h"

/* A name; never changes once it is on the shelf, and lives as long. */
struct cenv_shelved {
    struct cenv_prepared names;
    const struct cenv_booked **specs; /* by number in `names` */
    uint32_t number;                  /* of the name in its repodata */
    bool saved;   /* the file has it; guarded by the shelf's lock once it is there */
    bool damaged; /* in the file it was */
    struct cenv_shelved *next; /* taken in before this one */
};

/* Any thread may ask at any time. */
struct cenv_shelf {
    const struct cenv_repodata *rd;
    struct cenv_specbook *book;
    _Atomic(struct cenv_shelved *) *slots; /* by number of the name */
    struct cenv_mutex lock;                /* held to take in or save a name */
    struct cenv_shelved *all;
    uint32_t nr_new; /* taken in, not from the file, since it was last written */
    bool damaged;    /* some name in the file is */
    struct cenv_index_file *file;
    struct cenv_mapping names; /* the file as it was at the start: blocks lie in it */
    uint32_t nr_rows;          /* 0: it is not there, or of another repodata */
};

/* `file` is open, and lives as long as the shelf and the book do. CENV_ENOMEM. */
int cenv_shelf_init(struct cenv_shelf *shelf, struct cenv_index_file *file,
                    struct cenv_specbook *book, struct cenv_error *err);
void cenv_shelf_release(struct cenv_shelf *shelf); /* zero-initialised is fine */

/* The name's records; *out is NULL when the repodata has no such name. Statuses as
 * cenv_repodata_records. */
int cenv_shelf_get(struct cenv_shelf *shelf, struct cenv_str name,
                   const struct cenv_shelved **out, struct cenv_error *err);

/* Adds to the file what is new since it was last written, if that is worth it. What cannot be kept
 * is no failure. */
void cenv_shelf_save(struct cenv_shelf *shelf);

#endif
