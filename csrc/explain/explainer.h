/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is found out about a refuted request. All files of this room add facts; report.c alone
 * makes the error of them, so that no sentence is begun in one place and ended in another.
 */
#ifndef CENV_EXPLAIN_EXPLAINER_H
#define CENV_EXPLAIN_EXPLAINER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/nearname.h"
#include "explain/unsat_core.h"
#include "solve/problem.h"

/* A name asked for that no channel has, and names like it. */
struct cenv_missing_name {
    uint32_t goal;
    struct cenv_str name;
    struct cenv_nearname near;
};

/* A change of the request that was tried and helps. */
struct cenv_way {
    uint32_t *goals; /* to drop; none when another machine helps */
    uint32_t nr_goals;
    const struct cenv_record *works;   /* what can be had instead, or NULL */
    const struct cenv_record *machine; /* the virtual package it takes, or NULL */
    struct cenv_way *next;
};

/* Lists are in the order in which they are told, and lie in the arena. */
struct cenv_explainer {
    struct cenv_problem p;
    struct cenv_unsat_core core; /* the first conflict */
    struct cenv_arena arena;
    struct cenv_task *task;
    struct cenv_error *err;
    struct cenv_buf text; /* the explanation, each line with its newline */
    uint32_t *conflict;   /* goals that the message names first */
    uint32_t nr_conflict;
    struct cenv_missing_name *missing;
    uint32_t nr_missing;
    struct cenv_way *ways;
};

#endif
