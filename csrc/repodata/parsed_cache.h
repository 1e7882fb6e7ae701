/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names of one repodata that solves have asked for, parsed once: kept in memory as long as
 * the index lives, and in a file beside the binary index, so that the next process starts with
 * them.
 */
#ifndef CENV_REPODATA_PARSED_CACHE_H
#define CENV_REPODATA_PARSED_CACHE_H

#include <stdatomic.h>

#include "repodata/index_file.h"
#include "repodata/parsed_name.h"
#include "repodata/spec_table.h"

/* A name that is parsed; it never changes once it is in the cache, and lives as long. */
struct cenv_cached_name {
    struct cenv_parsed_name names;
    const struct cenv_spec_entry **specs; /* by their numbers in `names` */
    uint32_t number;                      /* of the name in its repodata */
    bool saved;   /* the file has it; guarded by the lock of the cache */
    bool damaged; /* the file had it, but not whole */
    struct cenv_cached_name *next; /* the one that came before it */
};

/* Any thread may ask it for a name at any time. */
struct cenv_parsed_cache {
    const struct cenv_repodata *rd;
    struct cenv_spec_table *table;
    _Atomic(struct cenv_cached_name *) *slots; /* by number of the name */
    struct cenv_mutex lock; /* held while a name is added or the file is written */
    struct cenv_cached_name *all;
    uint32_t nr_new; /* names that the file lacks, added since it was last written */
    bool damaged;    /* some name of the file is */
    struct cenv_index_file *file;
    struct cenv_mapping names; /* the file as it was, in which blocks lie */
    uint32_t nr_rows;          /* 0: there was none, or it was of another repodata */
};

/* `file` is open; it and `table` live as long as the cache. CENV_ENOMEM. */
int cenv_parsed_cache_init(struct cenv_parsed_cache *cache,
                           struct cenv_index_file *file, struct cenv_spec_table *table,
                           struct cenv_error *err);
/* All zero is fine. */
void cenv_parsed_cache_release(struct cenv_parsed_cache *cache);

/* The name's records; *out is NULL when the repodata has no such name. Statuses as
 * cenv_repodata_records. */
int cenv_parsed_cache_get(struct cenv_parsed_cache *cache, struct cenv_str name,
                          const struct cenv_cached_name **out, struct cenv_error *err);

/* Adds to the file what is new since it was last written, if that is worth it. What cannot be
 * kept is no failure. */
void cenv_parsed_cache_save(struct cenv_parsed_cache *cache);

#endif
