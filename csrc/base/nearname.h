/* SPDX-License-Identifier: BSD-3-Clause */
/* Names a user may have meant: those few edits away from what was written. */
#ifndef CENV_BASE_NEARNAME_H
#define CENV_BASE_NEARNAME_H

#include <stddef.h>

#include "base/str.h"

enum { CENV_NEARNAME_MAX = 3 };

/* The nearest of the names offered so far; no memory is owned, names are borrowed. */
struct cenv_nearname {
    struct cenv_str name;
    size_t limit; /* most edits: 1 of a short name, up to 3 of a long one */
    struct cenv_str best[CENV_NEARNAME_MAX];
    size_t edits[CENV_NEARNAME_MAX];
    size_t nr;
};

void cenv_nearname_init(struct cenv_nearname *near, struct cenv_str name);

/*
 * Considers a name. An edit is a letter added, dropped or changed, or two neighbours swapped; '-',
 * '_' and '.' count as equal, case does not count. Keeps the three with fewest edits, of equal ones
 * the bytewise first, so that the order of offers does not matter; a name offered twice counts
 * once.
 */
void cenv_nearname_offer(struct cenv_nearname *near, struct cenv_str name);

#endif
