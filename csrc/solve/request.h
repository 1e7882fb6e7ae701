/* SPDX-License-Identifier: BSD-3-Clause */
/* What a caller asks of a solve: the JSON request of cenv_solve, parsed and checked. */
#ifndef CENV_SOLVE_REQUEST_H
#define CENV_SOLVE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json.h"
#include "model/record.h"
#include "repodata/spec_table.h"
#include "solve/cutoff.h"

/* How the ranks of channels count (conda's channel_priority). */
enum cenv_priority {
    CENV_PRIORITY_FLEXIBLE,
    CENV_PRIORITY_STRICT,
    CENV_PRIORITY_DISABLED
};

enum cenv_request_kind {
    CENV_REQUEST_SPEC,    /* a package that matches is installed */
    CENV_REQUEST_LOCKED,  /* that very package is installed */
    CENV_REQUEST_PINNED,  /* whatever is installed of that name matches */
    CENV_REQUEST_FAVORED, /* a package that matches is tried before all others */
};

/* One entry of specs, locked, pinned or favored: a spec or a record. */
struct cenv_request_entry {
    enum cenv_request_kind kind;
    struct cenv_str text; /* as given; of a record "name==version=build" */
    const struct cenv_spec_entry *spec; /* of a spec: in the table; else NULL */
    const struct cenv_record *record;   /* of a record, else NULL */
};

struct cenv_request {
    struct cenv_request_entry *entries; /* specs first, then locked, pinned, favored */
    size_t nr_entries;
    struct cenv_record *virtuals; /* what the machine has, as records of no channel */
    size_t nr_virtuals;
    enum cenv_priority priority;
    struct cenv_cutoffs cutoffs;
    bool add_pip;
    struct cenv_str explain; /* a name or spec, or empty */
};

/*
 * Parses the request that cenv_solve (cenv.h) takes. Its specs enter `specs`, which must outlive
 * *out; all else lies in `arena`. CENV_EUSAGE: the request is not what cenv.h says; CENV_ESPEC: a
 * spec in it is malformed or does not name one package, which only `specs` need not (nameless.h);
 * CENV_EINTEGRITY: it is no JSON, or a record in it is malformed.
 */
int cenv_request_parse(struct cenv_request *out, const char *json,
                       struct cenv_spec_table *specs, struct cenv_arena *arena,
                       struct cenv_error *err);

/* Only `virtuals` of *out, from a list of [name, version, build]; NULL is an empty one. */
int cenv_request_parse_virtuals(struct cenv_request *out, const struct cenv_json *list,
                                struct cenv_arena *arena, struct cenv_error *err);

/* The name that the entry is of. */
struct cenv_str cenv_request_entry_name(const struct cenv_request_entry *entry);

/* The virtual package of that name, or NULL: the machine has none. */
const struct cenv_record *cenv_request_virtual(const struct cenv_request *request,
                                               struct cenv_str name);

#endif
