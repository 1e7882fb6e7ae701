/* SPDX-License-Identifier: BSD-3-Clause */
/* exclude_newer: from which moment on records do not count, for all, a channel or a package. */
#ifndef CENV_SOLVE_CUTOFF_H
#define CENV_SOLVE_CUTOFF_H

#include <stdbool.h>

#include "base/arena.h"
#include "codec/json.h"
#include "model/record.h"

/* A cutoff of its own, in ms since 1970; INT64_MAX: it has none. */
struct cenv_cutoff {
    struct cenv_str of; /* a name in lower case, or the URL of a channel */
    int64_t ms;
};

struct cenv_cutoff_list {
    struct cenv_cutoff *items;
    size_t nr;
};

/* A package's own cutoff counts before its channel's, and that before the one for all (conda). */
struct cenv_cutoffs {
    int64_t ms;           /* for all; INT64_MAX: none */
    struct cenv_str text; /* the same as given; of a number "1639267200000 ms" */
    struct cenv_cutoff_list packages, channels;
};

/* The values of a request (cenv.h), borrowed; NULL where there is none. */
struct cenv_cutoff_members {
    const struct cenv_json *all, *packages, *channels;
};

/* All that is kept lies in `arena`. CENV_EUSAGE: a value is no moment. */
int cenv_cutoffs_parse(struct cenv_cutoffs *out,
                       const struct cenv_cutoff_members *members,
                       struct cenv_arena *arena, struct cenv_error *err);

/* The cutoff that counts for the record, in ms since 1970; INT64_MAX: none does. */
int64_t cenv_cutoffs_of(const struct cenv_cutoffs *cutoffs,
                        const struct cenv_record *record);

/* Whether the record is newer than its cutoff. One that does not say when it was made is not. */
bool cenv_cutoffs_exclude(const struct cenv_cutoffs *cutoffs,
                          const struct cenv_record *record);

#endif
