/* SPDX-License-Identifier: BSD-3-Clause */
/* One request against one index, reduced to what can matter: names, candidates in order, requirements. */
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

/* Why a candidate must not be chosen although it is there. */
enum cenv_exclusion {
    CENV_NOT_EXCLUDED = 0,
    CENV_EXCLUDED_STRICT = 1 << 0,
    CENV_EXCLUDED_CUTOFF = 1 << 1,
};

enum {
    CENV_FROM_REQUEST = UINT32_MAX,       /* a record of the request */
    CENV_FROM_VIRTUAL = UINT32_MAX - 1,   /* a virtual package */
    CENV_FROM_CONDITION = UINT32_MAX - 2, /* a way to meet a conditional dependency */
};

struct cenv_candidate {
    const struct cenv_record *record;
    uint32_t from;  /* in the index, or CENV_FROM_... */
    uint32_t specs; /* its first spec in problem.links: depends, then constrains */
    uint32_t nr_depends, nr_constrains;
    const struct cenv_cached_name
        *cached;  /* what has its dependencies as numbers, or NULL */
    uint32_t row; /* there */
    uint32_t
        version; /* rank among the name's versions, 0 the newest; equal when versions are */
    uint32_t text;    /* likewise, but 1.0 and 1.0.0 differ */
    uint8_t excluded; /* bits of enum cenv_exclusion */
    bool favored;
};

static inline bool cenv_problem_is_indexed(const struct cenv_candidate *cand)
{
    return cand->from < CENV_FROM_CONDITION;
}

/* A distinct text of a dependency, constraint or entry. */
struct cenv_spec {
    struct cenv_str text;
    struct cenv_matchspec parsed;
    const struct cenv_record *record; /* matches only this one, or NULL */
    bool negated;                     /* matches what `parsed` does not */
    struct cenv_str bad;              /* why it cannot be used, or empty */
    uint32_t name;
    uint32_t best;  /* rank of the best version it allows; see order.c */
    uint64_t *bits; /* by the name's places before ties were ordered: what it matches */
    uint32_t req[2]; /* as a need, as a limit: in the instance, or CENV_NONE */
};

/*
 * Beside packages there are names made up to express what a dependency may say more (depend.c):
 * "name[extra]" has the candidates of "name", each needing itself and what its extra group depends
 * on; "name[when=...]" has the ways to meet a conditional dependency.
 */
enum cenv_name_kind { CENV_NAME_PACKAGE, CENV_NAME_EXTRA, CENV_NAME_CONDITIONAL };

/* Candidates cands[first] .. cands[first + nr - 1], in order. */
struct cenv_name {
    struct cenv_str text;
    uint32_t first, nr;
    uint32_t nr_texts;
    bool wanted; /* something depends on it */
    bool loaded;
    enum cenv_name_kind kind;
    uint32_t of; /* of EXTRA: the name; of WHEN: the conditional spec */
    const struct cenv_condition *condition; /* of WHEN */
    struct cenv_str extra;                  /* of EXTRA */
};

/* An entry, virtual package or channel setting as a goal of the instance. */
struct cenv_root {
    enum cenv_root_kind {
        CENV_ROOT_ENTRY,
        CENV_ROOT_VIRTUAL,
        CENV_ROOT_STRICT,
        CENV_ROOT_CUTOFF,
    } kind;
    const struct cenv_request_entry *entry; /* of an entry */
    const struct cenv_record *machine;      /* of a virtual package */
    uint32_t spec;                          /* of both: in specs */
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
    const struct cenv_index *index;
    const struct cenv_request *request;
    struct cenv_task *task;  /* of the caller of cenv_load_problem, while that runs */
    unsigned flags;          /* enum cenv_problem_flags */
    struct cenv_arena arena; /* records, texts, bits */
    struct cenv_skips skips; /* records that cannot be used, and why */

    struct cenv_map name_ids;
    struct cenv_map spec_ids; /* of specs that no text stands for */
    uint32_t
        *by_entry; /* by number in the index's spec table: the spec, or CENV_NONE */
    size_t nr_by_entry;
    struct cenv_name *names; /* sorted by text once built: the names of the instance */
    size_t nr_names, alloc_names;
    struct cenv_spec *specs;
    size_t nr_specs, alloc_specs;
    struct cenv_candidate *cands; /* as numbered in the instance once built */
    size_t nr_cands, alloc_cands;
    uint32_t *links; /* spec ids of candidates */
    size_t nr_links, alloc_links;
    struct cenv_root *roots; /* as the goals of the instance */
    size_t nr_roots;

    uint32_t
        *req_spec; /* by requirement of the instance: a spec that has this meaning */
    struct cenv_instance
        in; /* reqs, runs and edges on the heap, the rest in the arena */
};

void cenv_problem_release(struct cenv_problem *p);

/* The id of a name the problem knows, or CENV_NONE. Only once the instance is built. */
uint32_t cenv_problem_find(const struct cenv_problem *p, struct cenv_str name);

/* The candidate behind a place of the instance. */
static inline const struct cenv_candidate *
cenv_problem_cand(const struct cenv_problem *p, uint32_t name, uint32_t place)
{
    return &p->cands[p->in.first[name] + place];
}

/* ---- building: each returns an id, a pointer or 0; CENV_NONE, NULL or a status with `err` set ---- */

/* The id of a name, new if need be; `text` must live as long as the problem. */
uint32_t cenv_problem_add_name(struct cenv_problem *p, struct cenv_str text,
                               struct cenv_error *err);

/* Adds a spec that no text stands for. */
uint32_t cenv_problem_add_spec(struct cenv_problem *p, const struct cenv_spec *spec,
                               struct cenv_error *err);

/* The id of a spec of the index's table, added when it is new; of a malformed one `bad` is set. */
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

/* Has all of the candidate's record, not just what a block gave (parsed_name.h); 0 or a status. */
int cenv_problem_complete(struct cenv_problem *p, struct cenv_candidate *cand,
                          struct cenv_error *err);

/* The channel asked for is the name of the multichannel that brought in the candidate's source. */
bool cenv_problem_is_multichannel(const struct cenv_problem *p,
                                  const struct cenv_channelmatch *channel,
                                  const struct cenv_candidate *cand);

/* Two records name one package: equal sha256, or equal name, version, build and what else both say. */
bool cenv_problem_is_same_record(const struct cenv_record *a,
                                 const struct cenv_record *b);

#endif
