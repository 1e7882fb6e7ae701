/* SPDX-License-Identifier: BSD-3-Clause */
/* The spans of a task summed up by stage, as reports have them. */
#ifndef CENV_LINK_STAGES_H
#define CENV_LINK_STAGES_H

#include "base/task.h"
#include "codec/json_writer.h"

/*
 * An array of {"name", "seconds", "items", "bytes", "hits", "misses"}, in order of first start.
 * Seconds are the time during which at least one span of the stage ran.
 */
void cenv_stages_write(struct cenv_json_writer *w, const char *key,
                       struct cenv_task *task);

#endif
