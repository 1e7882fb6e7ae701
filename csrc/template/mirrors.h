/* SPDX-License-Identifier: BSD-3-Clause */
/* Mirrors, stores of copies on other file systems, as gc sees them; cenv.h has the rest. */
#ifndef CENV_TEMPLATE_MIRRORS_H
#define CENV_TEMPLATE_MIRRORS_H

#include <stdint.h>

#include "base/error.h"
#include "base/task.h"

struct cenv_store;

/* Removes the mirrors of a store that are still the directories entered, and that nobody uses. */
int cenv_mirrors_remove_all(const struct cenv_store *store, uint64_t *removed,
                            struct cenv_task *task, struct cenv_error *err);

#endif
