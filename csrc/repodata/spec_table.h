/* SPDX-License-Identifier: BSD-3-Clause */
/* The specs of an index and of what is asked of it, each text parsed once for all solves. */
#ifndef CENV_REPODATA_SPEC_TABLE_H
#define CENV_REPODATA_SPEC_TABLE_H

#include "base/map.h"
#include "base/mutex.h"
#include "model/matchspec.h"

/* An entry never changes once it is in the table, and lives as long. One with a glob for its name
 * is parsed and bad. */
struct cenv_spec_entry {
    uint32_t id; /* dense from 0 */
    struct cenv_str text;
    struct cenv_matchspec parsed; /* all zero when it is malformed */
    struct cenv_str bad;          /* why it cannot be a dependency, or empty */
    struct cenv_str hint;         /* what to do about that, or empty */
};

/* Any thread may ask it for a spec at any time. */
struct cenv_spec_table {
    struct cenv_mutex lock; /* guards the rest */
    struct cenv_map entries;
    struct cenv_spec_entry **by_id;
    size_t nr, alloc;
    struct cenv_arena arena;
};

void cenv_spec_table_init(struct cenv_spec_table *table);
void cenv_spec_table_release(struct cenv_spec_table *table);

/* The entry of `text`, which is copied; NULL with `err` set when out of memory. */
const struct cenv_spec_entry *cenv_spec_table_get(struct cenv_spec_table *table,
                                                  struct cenv_str text,
                                                  struct cenv_error *err);

#endif
