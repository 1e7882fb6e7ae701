/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading a problem: what problem.c and special.c share. */
#ifndef CENV_SOLVE_LOADER_H
#define CENV_SOLVE_LOADER_H

#include "solve/problem.h"

/* All functions return 0, an id or a pointer; a status, CENV_NONE or NULL with `err` set. */
struct cenv_loader {
    struct cenv_problem *p;
    struct cenv_error *err;
    uint32_t name;               /* being loaded */
    uint32_t source;             /* being visited; new candidates get it */
    struct cenv_network network; /* for shards */
};

/* The id of a name, new if need be; `text` must live as long as the problem. */
uint32_t cenv_loader_name(struct cenv_loader *l, struct cenv_str text);

/* The id of the spec `text`, booked when it is new; of a malformed one `bad` is set. */
int cenv_loader_spec(struct cenv_loader *l, struct cenv_str text, uint32_t *id);

/* Adds a spec that no text stands for. */
uint32_t cenv_loader_add(struct cenv_loader *l, const struct cenv_spec *spec);

/* A candidate of the name being loaded; valid until the next one. */
struct cenv_candidate *cenv_loader_candidate(struct cenv_loader *l,
                                             const struct cenv_record *record);

/* Appends a link; a dependency wants its name, a constraint only a virtual package. */
int cenv_loader_link(struct cenv_loader *l, uint32_t spec, bool depends);

/* Links a dependency; *bad is set when it cannot be used, else untouched. */
int cenv_loader_depend(struct cenv_loader *l, struct cenv_str text,
                       struct cenv_str *bad);

/* Keeps why a record cannot be used. */
int cenv_loader_skip(struct cenv_loader *l, const struct cenv_record *record,
                     struct cenv_str reason);

/* Loads the candidates of a name, unless that is done. */
int cenv_loader_load(struct cenv_loader *l, uint32_t name);

/* special.c: links a dependency with its extras, or through its condition; a malformed condition
 * marks the spec bad. */
int cenv_loader_link_special(struct cenv_loader *l, uint32_t spec);
int cenv_loader_load_extra(struct cenv_loader *l, uint32_t name);
int cenv_loader_load_when(struct cenv_loader *l, uint32_t name);

#endif
