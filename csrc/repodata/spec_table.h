/* SPDX-License-Identifier: BSD-3-Clause */
/* The dependency texts of an index, each parsed once for all of its solves. */
#ifndef CENV_REPODATA_SPEC_TABLE_H
#define CENV_REPODATA_SPEC_TABLE_H

#include "base/map.h"
#include "base/mutex.h"
#include "model/matchspec.h"

/* Never changes once it is in the book, and lives as long. */
struct cenv_booked {
    uint32_t id; /* dense from 0 */
    struct cenv_str text;
    struct cenv_matchspec parsed;
    struct cenv_str bad; /* why it cannot be a dependency, or empty */
};

/* Any thread may ask at any time. */
struct cenv_specbook {
    struct cenv_mutex lock; /* guards the rest */
    struct cenv_map entries;
    struct cenv_booked **by_id;
    size_t nr, alloc;
    struct cenv_arena arena;
};

void cenv_specbook_init(struct cenv_specbook *book);
void cenv_specbook_release(struct cenv_specbook *book);

/* The entry of `text`, which is copied; NULL with `err` set when out of memory. */
const struct cenv_booked *cenv_specbook_get(struct cenv_specbook *book,
                                            struct cenv_str text,
                                            struct cenv_error *err);

#endif
