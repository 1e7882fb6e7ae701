/* SPDX-License-Identifier: BSD-3-Clause */
/* Which directories of a clone are as they were cloned, looked up on several threads. */
#ifndef CENV_CLONE_SURVEY_H
#define CENV_CLONE_SURVEY_H

#include "clone/cloner.h"

/*
 * Sets `clean[i]`, which is zeroed, for each directory of the manifest that lies below `c->dst`
 * with every file as it was cloned, and to which nothing was done since `since_ns`. Directories
 * below it tell for themselves. What cannot be looked at is not clean, and no failure.
 */
int cenv_survey_run(const struct cenv_cloner *c, int64_t since_ns, unsigned char *clean,
                    struct cenv_task *task, struct cenv_error *err);

#endif
