/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linking a candidate to what it needs, with extras (CEP 44) and conditions (CEP 43), and loading
 * the names that are made up for these. All functions return 0 or a status.
 */
#ifndef CENV_SOLVE_DEPEND_H
#define CENV_SOLVE_DEPEND_H

#include "solve/problem.h"

/* Links a spec as a dependency of the candidate being loaded: with its extras, or through its
 * condition. A malformed condition marks the spec bad and links nothing. */
int cenv_depend_link(struct cenv_problem *p, uint32_t spec, struct cenv_error *err);

/* The same for a dependency of a record, by its spec or by its text. *bad becomes the reason when
 * it cannot be used, and is left alone otherwise. */
int cenv_depend_on(struct cenv_problem *p, uint32_t spec, struct cenv_str *bad,
                   struct cenv_error *err);
int cenv_depend_on_text(struct cenv_problem *p, struct cenv_str text,
                        struct cenv_str *bad, struct cenv_error *err);

/* Links a constraint of a record; *bad as above. */
int cenv_depend_constrain(struct cenv_problem *p, uint32_t spec, struct cenv_str *bad,
                          struct cenv_error *err);

/* Adds a candidate of a made-up name, of which the one of most merit is the best; `text` stands for
 * its version. Its links follow. NULL with `err` set when out of memory. */
struct cenv_candidate *cenv_depend_add_way(struct cenv_problem *p, uint32_t name,
                                           struct cenv_str text, uint64_t merit,
                                           struct cenv_error *err);

/* Adds the candidates of a name made up for an extra, once those of its package are loaded, or of
 * one made up for a conditional spec. */
int cenv_depend_load_extra(struct cenv_problem *p, uint32_t name,
                           struct cenv_error *err);
int cenv_depend_load_conditional(struct cenv_problem *p, uint32_t name,
                                 struct cenv_error *err);

#endif
