/* SPDX-License-Identifier: BSD-3-Clause */
/* A solve as integers only: names with candidates in order, requirements, goals. */
#ifndef CENV_SOLVE_INSTANCE_H
#define CENV_SOLVE_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Candidates are numbered so that those of name n are first[n] .. first[n + 1] - 1, best first;
 * the place of a candidate is its distance from first[n]. Names are numbered in the order in
 * which a level of the search (search.h) decides about them. The instance owns none of its
 * arrays: a problem does, or what is left of one without dominated candidates (dominate.h). It
 * never changes.
 */

/* Places from <= p < to of the requirement's name. */
struct cenv_run {
    uint32_t from, to;
};

/*
 * A distinct demand on a name: it is installed and its place lies in one of the runs (sorted,
 * apart, not empty); of a limit: if it is installed, its place does.
 */
struct cenv_req {
    uint32_t name;
    uint32_t first_run, nr_runs;
    bool limit;
};

enum cenv_goal_kind {
    CENV_GOAL_REQ,     /* requirement `value` holds */
    CENV_GOAL_EXCLUDE, /* no candidate whose `excluded` has a bit of `value` is chosen */
};

/* What must hold, each in its own right: a spec, a pin, a virtual package, a setting. */
struct cenv_goal {
    enum cenv_goal_kind kind;
    uint32_t value;
};

struct cenv_instance {
    uint32_t nr_names, nr_cands, nr_reqs, nr_goals;
    uint32_t *first;   /* nr_names + 1 */
    uint32_t *name_of; /* by candidate */
    bool *deferred;    /* by name: decided only when all others are; or NULL: none */
    struct cenv_req *reqs;
    struct cenv_run *runs;
    uint32_t *edge_first; /* nr_cands + 1: where a candidate's requirements start */
    uint32_t *edges;      /* requirements, of one candidate after the other */
    uint8_t *excluded;    /* by candidate: bits; or NULL: nothing is excluded */
    struct cenv_goal *goals;
};

static inline uint32_t cenv_instance_size(const struct cenv_instance *in, uint32_t name)
{
    return in->first[name + 1] - in->first[name];
}

/* `place` of the requirement's name lies in one of its runs. */
bool cenv_instance_allows(const struct cenv_instance *in, const struct cenv_req *req,
                          uint32_t place);

#endif
