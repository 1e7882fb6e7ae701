/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts of the trace: what was worked on, as rows of texts and numbers. */
#ifndef CENV_BASE_FACT_H
#define CENV_BASE_FACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* A new kind is a row here, one of the table in fact.c, and cenv_task_fact where it is known. */
enum cenv_fact_kind {
    CENV_FACT_SOURCE,  /* a subdir of a channel in a solve */
    CENV_FACT_SHARD,   /* one of its shards that was fetched */
    CENV_FACT_NAME,    /* a name that a solve reached */
    CENV_FACT_SPEC,    /* what only one requested spec reached */
    CENV_FACT_SOLVER,  /* the SAT solver's work, one row a solve */
    CENV_FACT_PACKAGE, /* how a package came into the store */
    CENV_FACT_LINK,    /* how its files came into a prefix */
    CENV_FACT_MODE,    /* by which ways files came into a prefix, one row a link */
    CENV_NR_FACTS,
};

enum {
    CENV_FACT_TEXTS = 4,
    CENV_FACT_NUMBERS = 8,
    CENV_FACT_ROWS_MAX = 1 << 17, /* of a task; further rows are dropped */
    CENV_FACT_TEXT_MAX = 1024,    /* longer texts are cut */
};

/* Names of the columns, as the trace has them; those that a kind has not are NULL. */
struct cenv_fact_shape {
    const char *name; /* of the list of its rows */
    const char *texts[CENV_FACT_TEXTS];
    const char *numbers[CENV_FACT_NUMBERS];
};

/* NULL from CENV_NR_FACTS on. */
const struct cenv_fact_shape *cenv_fact_shape(unsigned kind);

struct cenv_fact {
    enum cenv_fact_kind kind;
    struct cenv_str texts[CENV_FACT_TEXTS];
    uint64_t numbers[CENV_FACT_NUMBERS];
};

/* One that was collected: its numbers, and behind them its texts, each with a NUL. */
struct cenv_fact_row {
    struct cenv_fact_row *next; /* or NULL */
    enum cenv_fact_kind kind;
    const char *texts;
    uint64_t numbers[]; /* as many as the kind has */
};

/* Zero-initialised is empty. */
struct cenv_facts {
    struct cenv_fact_row *first, *last; /* in the arena */
    size_t nr;
    struct cenv_arena arena;
};

/* Adds a copy; a row that finds no memory or room is lost: a trace must not make the work fail. */
void cenv_fact_add(struct cenv_facts *facts, const struct cenv_fact *fact);
void cenv_fact_release(struct cenv_facts *facts);

#endif
