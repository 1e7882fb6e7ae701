/* SPDX-License-Identifier: BSD-3-Clause */
/* Which field of records keeps them from being what a spec asks for. */
#ifndef CENV_EXPLAIN_MISFIT_H
#define CENV_EXPLAIN_MISFIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "solve/problem.h"

/* Fields that a spec asks for beside name and version, in the order in which they are judged. */
enum cenv_misfit {
    CENV_MISFIT_BUILD,
    CENV_MISFIT_CHANNEL,
    CENV_MISFIT_SUBDIR,
    CENV_MISFIT_BUILD_NUMBER,
    CENV_MISFIT_FN,
    CENV_MISFIT_URL,
    CENV_MISFIT_MD5,
    CENV_MISFIT_SHA256,
    CENV_MISFIT_LICENSE,
    CENV_MISFIT_LICENSE_FAMILY,
    CENV_MISFIT_FEATURES,
    CENV_MISFIT_TRACK_FEATURES,
    CENV_MISFIT_FLAGS,
    CENV_NR_MISFITS, /* every field by itself is met by some of them */
};

/*
 * The first field that none of the `nr` candidates meets which meet those before it; `cands` is
 * cut down to these, and *nr to their number.
 */
enum cenv_misfit cenv_misfit_find(const struct cenv_problem *p,
                                  const struct cenv_matchspec *spec, uint32_t *cands,
                                  uint32_t *nr);

/* "as build", "in", "with license": what goes before values of the field. */
const char *cenv_misfit_lead(enum cenv_misfit field);

/* The record's value, borrowed from it or from `room`; "none" where it has none. */
enum { CENV_MISFIT_ROOM = 24 };
struct cenv_str cenv_misfit_value(enum cenv_misfit field,
                                  const struct cenv_record *record, char *room);

#endif
