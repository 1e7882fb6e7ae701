/* SPDX-License-Identifier: BSD-3-Clause */
/* The twin of a template (store/template_twin.h) as its clones find and make it. */
#ifndef CENV_CLONE_TWIN_H
#define CENV_CLONE_TWIN_H

#include "clone/job.h"
#include "store/template_twin.h"

/* The twin that holds for the source of `job`, a template; 1 when there is none. */
int cenv_twin_find(const struct cenv_clone_job *job, struct cenv_template_twin *out,
                   struct cenv_error *err);

/*
 * The same, made where there is none: by reflinks, once for all clones, while others wait. What was
 * copied for it is added to what the clone made; a source that changed shows in its result.
 */
int cenv_twin_find_or_make(struct cenv_clone_job *job, struct cenv_template_twin *out,
                           struct cenv_error *err);

/* CENV_ELINK: it is changed as often as it is made. */
int cenv_twin_refuse(const struct cenv_clone_job *job, struct cenv_error *err);

/* Why the store of `job` cannot have twins, found by making a subvolume in it; NULL: it can. */
const char *cenv_twin_try(const struct cenv_clone_job *job);

#endif
