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
 * names as they are. So verdict and layered optimum stay what they are (search.h).
 */
struct cenv_reduction {
    struct cenv_instance in; /* names and items as in the whole instance */
    uint32_t *whole;         /* by candidate: its number in the whole instance */
    struct cenv_arena arena; /* of all of it */
};

/* `whole` must outlive the reduction. CENV_ENOMEM. The caller releases *out in any case. */
int cenv_reduce(struct cenv_reduction *out, const struct cenv_instance *whole,
                struct cenv_error *err);
void cenv_reduction_release(struct cenv_reduction *r);

/* choice[] of the reduction, as cenv_descend gives it, becomes one of the whole instance. */
void cenv_reduction_expand(const struct cenv_reduction *r,
                           const struct cenv_instance *whole, uint32_t *choice);

#endif
