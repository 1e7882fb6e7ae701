/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest of a new template, from the plan by which it was linked. */
#ifndef CENV_LINK_PLAN_MANIFEST_H
#define CENV_LINK_PLAN_MANIFEST_H

#include "base/error.h"
#include "base/task.h"

struct cenv_link_plan;
struct cenv_manifest;

/*
 * The manifest of what lies in `dir`, just linked by `plan` (keep_sites, target_prefix the path
 * where it will be published): the plan's files are not looked into, only what link scripts left.
 * `plan` is read only. The caller saves it beside the prefix and frees it. Times, modes and inodes
 * are taken from `dir` as it is: nothing may change in it afterwards but its own name.
 */
int cenv_link_plan_manifest(struct cenv_manifest **out, int dir,
                            const struct cenv_link_plan *plan, struct cenv_task *task,
                            struct cenv_error *err);

#endif
