/* SPDX-License-Identifier: BSD-3-Clause */
/* The spans of a task summed up by stage, as reports have them. */
#ifndef CENV_LINK_STAGES_H
#define CENV_LINK_STAGES_H

#include "base/task.h"

struct cenv_json;

/*
 * A new array of {"name", "seconds", "items", "bytes", "hits", "misses"}, in order of first start.
 * Seconds are the time during which at least one span of the stage ran. NULL when out of memory.
 */
struct cenv_json *cenv_stages_json(struct cenv_task *task);

#endif
