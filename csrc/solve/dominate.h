/* SPDX-License-Identifier: BSD-3-Clause */
/* An instance without the candidates that no best solution can have. */
#ifndef CENV_SOLVE_DOMINATE_H
#define CENV_SOLVE_DOMINATE_H

#include "base/arena.h"
#include "base/error.h"
#include "solve/instance.h"

/*
 * A candidate is dropped when a better one of its name needs nothing that it does not need, and meets
 * every requirement that it meets: whatever solution has it has a better one beside it, with all other
 * names as they are. So verdict and lexicographic optimum stay what they are (search.h).
 */
struct cenv_undominated {
    struct cenv_instance in; /* names and goals as in the whole instance */
    uint32_t *whole;         /* by candidate: its number in the whole instance */
    struct cenv_arena arena; /* of all of it */
};

/* `whole` must outlive the reduction. CENV_ENOMEM. The caller releases *out in any case. */
int cenv_dominate_drop(struct cenv_undominated *out, const struct cenv_instance *whole,
                       struct cenv_error *err);
void cenv_dominate_release(struct cenv_undominated *r);

/* choice[] of the reduction, as cenv_search_best gives it, becomes one of the whole instance. */
void cenv_dominate_expand(const struct cenv_undominated *r,
                          const struct cenv_instance *whole, uint32_t *choice);

#endif
