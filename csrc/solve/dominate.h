/* SPDX-License-Identifier: BSD-3-Clause */
/* An instance without the candidates that no best solution can have. */
#ifndef CENV_SOLVE_DOMINATE_H
#define CENV_SOLVE_DOMINATE_H

#include "base/arena.h"
#include "base/error.h"
#include "solve/instance.h"

/*
 * A candidate is dominated when a better one of its name needs nothing that it does not need, and
 * meets every requirement that it meets: each solution that has it stays one with the better
 * candidate in its place. So verdict and lexicographic optimum (search.h) stay what they are
 * without it.
 */
struct cenv_undominated {
    struct cenv_instance in; /* its names and goals are those of the whole instance */
    uint32_t *whole;         /* by candidate: its number in the whole instance */
    struct cenv_arena arena; /* of all of it */
};

/* Fills *out with what is left of `whole`, which must outlive it. CENV_ENOMEM. The caller
 * releases *out in any case. */
int cenv_dominate_drop(struct cenv_undominated *out, const struct cenv_instance *whole,
                       struct cenv_error *err);
void cenv_dominate_release(struct cenv_undominated *r);

/* Makes a choice[] that cenv_search_best gave for r->in one of the whole instance. */
void cenv_dominate_expand(const struct cenv_undominated *r,
                          const struct cenv_instance *whole, uint32_t *choice);

#endif
