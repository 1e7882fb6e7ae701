/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request against one index, reduced to what can matter: names, candidates in order, what
 * these depend on, and what was asked for.
 *
 * A problem is built in steps (load.h), each of which relies on the one before: names are loaded,
 * ordered, matched with specs, ordered where they tie, and numbered. Only then `in` is there, and
 * ids of names and candidates are those of the instance. A problem that is built does not change,
 * but for partial records that are completed. It belongs to one thread.
 *
 * What a user asks for has three stages: an entry of the request (request.h), a root, which is
 * the spec that stands for it here, and a goal of the instance, in the same order as the roots.
 * So the number of a goal leads back to the text that the user wrote.
 */
#ifndef CENV_SOLVE_PROBLEM_H
#define CENV_SOLVE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/task.h"
#include "model/condition.h"
#include "model/matchspec.h"
#include "model/record.h"
#include "repodata/index.h"
#include "repodata/repodata.h"
#include "repodata/spec_table.h"
#include "solve/instance.h"
#include "solve/request.h"

/* Why a candidate must not be chosen although it is there: a setting excludes it. */
enum cenv_exclusion {
    CENV_NOT_EXCLUDED = 0,
    CENV_EXCLUDED_STRICT = 1 << 0, /* strict priority: another channel comes first */
    CENV_EXCLUDED_CUTOFF = 1 << 1, /* exclude_newer: it is newer */
};

/* Where a candidate is from when no source of the index has it. */
enum {
    CENV_FROM_REQUEST = UINT32_MAX,       /* a record of the request */
    CENV_FROM_VIRTUAL = UINT32_MAX - 1,   /* a virtual package */
    CENV_FROM_CONDITION = UINT32_MAX - 2, /* a way to meet what a made-up name is for */
};

struct cenv_candidate {
    const struct cenv_record *record; /* may be partial (repodata.h) */
    uint32_t from; /* the number of a source of the index, or CENV_FROM_... */
    /* links[specs] is the first spec that it depends on; those that it constrains follow. */
    uint32_t specs;
    uint32_t nr_depends, nr_constrains;
    /* The cached name that has its dependencies as spec entries, and its row there; or NULL. */
    const struct cenv_cached_name *cached;
    uint32_t row;
    /* Rank among the versions of the name, 0 the newest; 1.0 and 1.0.0 have one rank. */
    uint32_t version;
    uint32_t text;    /* the same, but 1.0 and 1.0.0 differ */
    uint8_t excluded; /* bits of enum cenv_exclusion */
    bool favored;
    /* How many features of its record the request tracks, or -1: it rules one out (feature.h). */
    int tracked;
};

/* A source of the index has the candidate. */
static inline bool cenv_problem_is_indexed(const struct cenv_candidate *cand)
{
    return cand->from < CENV_FROM_CONDITION;
}

/* A distinct demand on a name, of a dependency, a constraint or the request. */
struct cenv_spec {
    struct cenv_str text; /* as messages name it */
    struct cenv_matchspec parsed;
    const struct cenv_record *record; /* it matches only this one; or NULL */
    bool negated;                     /* it matches what `parsed` does not */
    struct cenv_str bad;              /* why it cannot be used, or empty */
    uint32_t name;                    /* CENV_NONE when it is bad */
    /* The least rank of a version that it matches, worse by 1 << 31 with track_features
     * (match.c). */
    uint32_t best;
    /* What it matches: a bit for each place that the name's candidates had before ties were
     * ordered. */
    uint64_t *bits;
    /* Its requirement in the instance, as a need and as a limit; CENV_NONE: there is none. */
    uint32_t req[2];
};

/*
 * Beside packages there are names made up to express what a dependency may say more (depend.c):
 * "name[extra]" has the candidates of "name", each of which needs itself and what its extra group
 * depends on; "name[when=...]" has the ways to meet a conditional dependency; a spec that names no
 * package has the packages that match it (nameless.h).
 */
enum cenv_name_kind {
    CENV_NAME_PACKAGE,
    CENV_NAME_EXTRA,
    CENV_NAME_CONDITIONAL,
    CENV_NAME_NAMELESS,
};

/* Its candidates are cands[first] .. cands[first + nr - 1], best first once they are ordered. */
struct cenv_name {
    struct cenv_str text;
    uint32_t first, nr;
    uint32_t nr_texts; /* distinct texts of versions */
    bool wanted;       /* something depends on it */
    bool loaded;
    enum cenv_name_kind kind;
    /* Of EXTRA: the name of the package; of CONDITIONAL: the spec; of NAMELESS: the entry of the
     * request. */
    uint32_t of;
    struct cenv_str extra;                  /* of EXTRA */
    const struct cenv_condition *condition; /* of CONDITIONAL */
};

/* What was asked for: an entry of the request, a virtual package or a setting. */
struct cenv_root {
    enum cenv_root_kind {
        CENV_ROOT_ENTRY,
        CENV_ROOT_VIRTUAL,
        CENV_ROOT_STRICT,
        CENV_ROOT_CUTOFF,
    } kind;
    /* Of ENTRY; an entry with extras has several roots. */
    const struct cenv_request_entry *entry;
    const struct cenv_record *machine; /* of VIRTUAL */
    uint32_t spec;                     /* of both */
};

/* What a problem keeps that a solve has no use for, and an explanation has. */
enum cenv_problem_flags {
    /* Candidates that settings exclude, marked as such and behind all others of their name. */
    CENV_PROBLEM_KEEP_EXCLUDED = 1 << 0,
    /* Requirements that mean the same on the candidates there are, each with its own text. */
    CENV_PROBLEM_KEEP_EQUAL = 1 << 1,
    CENV_PROBLEM_TO_EXPLAIN = CENV_PROBLEM_KEEP_EXCLUDED | CENV_PROBLEM_KEEP_EQUAL,
};

struct cenv_problem {
    const struct cenv_index *index;     /* borrowed */
    const struct cenv_request *request; /* borrowed */
    struct cenv_task *task;             /* borrowed while cenv_load_problem runs */
    unsigned flags;                     /* enum cenv_problem_flags */
    struct cenv_arena arena;            /* of records, texts, bits */
    struct cenv_skips skips;            /* records that cannot be used, and why */

    struct cenv_map name_ids; /* text of a name -> its id while names are loaded */
    struct cenv_map spec_ids; /* made-up key -> id, of specs that no text stands for */
    /* By number in the spec table of the index: the id of the spec here, or CENV_NONE. */
    uint32_t *by_entry;
    size_t nr_by_entry;
    struct cenv_name *names; /* sorted by text once the instance is built */
    size_t nr_names, alloc_names;
    struct cenv_spec *specs;
    size_t nr_specs, alloc_specs;
    struct cenv_candidate *cands;
    size_t nr_cands, alloc_cands;
    uint32_t *links; /* ids of specs, of one candidate after the other */
    size_t nr_links, alloc_links;
    struct cenv_root *roots; /* in the order of the goals of the instance */
    size_t nr_roots;

    uint32_t *req_spec; /* by requirement of the instance: a spec of this meaning */
    /* Its reqs, runs and edges are on the heap, all else is in the arena. */
    struct cenv_instance in;
};

/* Frees all that the problem owns; it may have been built only in part, or be all zero. */
void cenv_problem_release(struct cenv_problem *p);

/* The id of a name, or CENV_NONE: nothing reaches it. The instance must be built. */
uint32_t cenv_problem_find(const struct cenv_problem *p, struct cenv_str name);

/* The candidate behind a place of the instance. */
static inline const struct cenv_candidate *
cenv_problem_cand(const struct cenv_problem *p, uint32_t name, uint32_t place)
{
    return &p->cands[p->in.first[name] + place];
}

/*
 * ---- building ----
 *
 * Each function returns an id, a pointer or 0; CENV_NONE, NULL or a status with `err` set when it
 * is out of memory.
 */

/* The id of a name, new if need be; `text` must live as long as the problem. */
uint32_t cenv_problem_add_name(struct cenv_problem *p, struct cenv_str text,
                               struct cenv_error *err);

/* Adds a spec, even when it has the text of another one. */
uint32_t cenv_problem_add_spec(struct cenv_problem *p, const struct cenv_spec *spec,
                               struct cenv_error *err);

/* The id of a spec of the index's spec table, which is added when it is new. */
uint32_t cenv_problem_add_entry(struct cenv_problem *p,
                                const struct cenv_spec_entry *entry,
                                struct cenv_error *err);

/* The same by its text, which enters the table when it is not there. */
uint32_t cenv_problem_add_text(struct cenv_problem *p, struct cenv_str text,
                               struct cenv_error *err);

/* A candidate behind those there are; valid until the next one is added. */
struct cenv_candidate *cenv_problem_add_candidate(struct cenv_problem *p,
                                                  const struct cenv_record *record,
                                                  uint32_t from,
                                                  struct cenv_error *err);

/* Appends a link; a dependency wants its name, a constraint only a virtual package. */
int cenv_problem_add_link(struct cenv_problem *p, uint32_t spec, bool depends,
                          struct cenv_error *err);

/* Keeps why the record in file `fn` cannot be used. */
int cenv_problem_add_skip(struct cenv_problem *p, struct cenv_str fn,
                          struct cenv_str reason, struct cenv_error *err);

/* Reads the whole of a record that is partial. 0, or a status as cenv_repodata_complete. */
int cenv_problem_complete(struct cenv_problem *p, struct cenv_candidate *cand,
                          struct cenv_error *err);

/* The candidate is of the channel that a spec asks for, as names of channels are meant here
 * (channelnames.h); a multichannel stands for its members. */
bool cenv_problem_in_channel(const struct cenv_problem *p,
                             const struct cenv_channelmatch *channel,
                             const struct cenv_candidate *cand);

/* Two records are of one package: their sha256 are equal or, where one has none, name, version,
 * build and all that both say of subdir and URL are. */
bool cenv_problem_is_same_record(const struct cenv_record *a,
                                 const struct cenv_record *b);

#endif
