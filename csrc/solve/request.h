/* SPDX-License-Identifier: BSD-3-Clause */
/* What a caller asks of a solve: the JSON request of cenv_solve, parsed and checked. */
#ifndef CENV_SOLVE_REQUEST_H
#define CENV_SOLVE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "model/matchspec.h"
#include "model/record.h"

enum cenv_priority {
    CENV_PRIORITY_FLEXIBLE,
    CENV_PRIORITY_STRICT,
    CENV_PRIORITY_DISABLED
};

enum cenv_request_kind {
    CENV_REQUEST_SPEC,    /* installed, matching */
    CENV_REQUEST_LOCKED,  /* installed, exactly so */
    CENV_REQUEST_PINNED,  /* matching, if installed */
    CENV_REQUEST_FAVORED, /* preferred, if possible */
};

/* One entry of specs, locked, pinned or favored; names a record or is a spec. */
struct cenv_request_entry {
    enum cenv_request_kind kind;
    struct cenv_str text; /* as given; of a record "name==version=build" */
    struct cenv_matchspec spec;
    const struct cenv_record *record; /* or NULL */
};

struct cenv_request {
    struct cenv_request_entry
        *entries; /* specs in their order, then locked, pinned, favored */
    size_t nr_entries;
    struct cenv_record *virtuals; /* what the machine has, as records of no channel */
    size_t nr_virtuals;
    enum cenv_priority priority;
    int64_t cutoff_ms; /* records newer than this are excluded; INT64_MAX: none */
    struct cenv_str cutoff_text;
    bool add_pip;
    struct cenv_str explain; /* a name, or empty */
};

/* Everything of *out lies in `arena`. CENV_EUSAGE: the request is not what cenv.h says; CENV_ESPEC:
 * a spec in it is malformed. */
int cenv_request_parse(struct cenv_request *out, const char *json,
                       struct cenv_arena *arena, struct cenv_error *err);

/* The virtual package of that name, or NULL: the machine has none. */
const struct cenv_record *cenv_request_virtual(const struct cenv_request *request,
                                               struct cenv_str name);

/* "YYYY-MM-DD[Thh:mm[:ss[.fff]][Z]]" in UTC as ms since 1970; false when it is none. */
bool cenv_time_parse(struct cenv_str text, int64_t *ms);

#endif
