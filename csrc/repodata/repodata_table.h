/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of struct cenv_repodata, which scan, reading and binary index share; no other file
 * uses it. */
#ifndef CENV_REPODATA_REPODATA_TABLE_H
#define CENV_REPODATA_REPODATA_TABLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/record.h"
#include "repodata/repodata_source.h"

/*
 * The tables hold no pointers, so that in memory and in a binary index they are the same bytes.
 * Texts lie in `strings`, so that nothing but reading a record touches the file. Only keys stay
 * where they are, before their objects: a place below the length of the file is in the file, one
 * from there on is in `strings`, at what it exceeds that length by.
 */
struct cenv_repodata_text {
    uint32_t at, len; /* in strings */
};

enum cenv_repodata_kind {
    CENV_REPODATA_PLAIN,
    CENV_REPODATA_V3_CONDA,
    CENV_REPODATA_V3_BZ2
};

/* A record: its key (a file name; those of v3 lack the extension) and its object. */
struct cenv_repodata_entry {
    uint32_t key, object, object_len;
    uint16_t key_len;
    uint8_t kind, zero;
};

/* Entries of one name and one section which follow one another in the file. */
struct cenv_repodata_run {
    struct cenv_repodata_text name; /* lower case */
    uint32_t first, nr;
};

struct cenv_repodata_tables {
    const struct cenv_repodata_entry *entries; /* in the order of the file */
    const struct cenv_repodata_run *runs;      /* sorted by name, then first */
    const struct cenv_repodata_text *removed;  /* file names, sorted */
    const uint32_t *names; /* each name's first run; one more at the end: nr_runs */
    uint32_t nr_entries, nr_runs, nr_removed, nr_names;
    struct cenv_str strings;
    /* Of info; len 0: not there. The last is JSON, as it stands there. */
    struct cenv_repodata_text subdir, base_url, relations;
};

struct cenv_repodata {
    struct cenv_arena arena;
    struct cenv_str bytes; /* of the file; data NULL: `reader` reads them when needed */
    struct cenv_repodata_bytes reader;
    struct cenv_repodata_tables t;
    struct cenv_repodata_source source; /* its spans are in the arena */
    struct cenv_record_origin origin;
    /* Entries, runs, removed and names on the heap; NULL when they lie in a binary index. */
    void *owned[4];
    struct cenv_buf strings;
};

static inline struct cenv_str cenv_repodata_table_str(const struct cenv_repodata *rd,
                                                      struct cenv_repodata_text text)
{
    return cenv_str_slice(rd->t.strings, text.at, (size_t)text.at + text.len);
}

/* A repodata with nothing in it but its source; NULL when out of memory. */
struct cenv_repodata *
cenv_repodata_table_new(struct cenv_str bytes,
                        const struct cenv_repodata_source *source);

/* Checks that the tables are of the subdir asked for, and resolves where packages lie. */
int cenv_repodata_table_settle(struct cenv_repodata *rd, struct cenv_error *err);

#endif
