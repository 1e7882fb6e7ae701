/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a template is still what was published: asked when a clone found it otherwise. */
#ifndef CENV_CLONE_TEMPLATE_DAMAGE_H
#define CENV_CLONE_TEMPLATE_DAMAGE_H

#include "base/error.h"
#include "base/task.h"
#include "manifest/manifest.h"

/*
 * Compares the template open on `root`, at `path`, with the manifest that it was published with.
 * CENV_EINTEGRITY names the first of its files that is gone, or is not what it was. What came into
 * it since, and bytecode that a program in it made anew, is none. A file of which only the ctime
 * differs is read, where its package told a digest.
 */
int cenv_template_damage_check(const struct cenv_manifest *own, int root,
                               const char *path, struct cenv_task *task,
                               struct cenv_error *err);

#endif
