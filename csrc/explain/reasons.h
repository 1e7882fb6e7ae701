/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of "  x 1.0: why not", neighbouring versions of one reason in one line. */
#ifndef CENV_EXPLAIN_REASONS_H
#define CENV_EXPLAIN_REASONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "solve/problem.h"

struct cenv_reasons {
    const struct cenv_problem *p;
    struct cenv_buf *out;
    struct cenv_buf last; /* the reason of `cands`, which are not printed yet */
    uint32_t *cands;
    uint32_t nr, nr_lines, max_lines;
    const char *head; /* what stands before each line */
};

/* The list is for candidates of one name; the arena holds room for all of them. False: out of
 * memory. */
bool cenv_reasons_init(struct cenv_reasons *r, const struct cenv_problem *p,
                       uint32_t name, uint32_t max_lines, const char *head,
                       struct cenv_buf *out, struct cenv_arena *arena);

/* Says that candidates from .. to - 1 are as they are because of `why`. False: there are lines
 * enough, and this one is left out. */
bool cenv_reasons_add(struct cenv_reasons *r, uint32_t from, uint32_t to,
                      const struct cenv_buf *why);

/* Prints what is not printed yet, and "..." when something was left out. */
void cenv_reasons_release(struct cenv_reasons *r);

#endif
