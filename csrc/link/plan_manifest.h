/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest of a new template, from the plan by which it was linked. */
#ifndef CENV_LINK_PLAN_MANIFEST_H
#define CENV_LINK_PLAN_MANIFEST_H

#include "base/error.h"
#include "base/map.h"
#include "base/task.h"

struct cenv_link_plan;
struct cenv_manifest;
struct cenv_scan_result;
struct cenv_scan_target;

/* What a plan (keep_sites) knows of the files that were linked by it. */
struct cenv_link_plan_known {
    const struct cenv_link_plan *plan; /* borrowed */
    struct cenv_map entries; /* real path -> index of the entry that lies there */
};
int cenv_link_plan_known_init(struct cenv_link_plan_known *known,
                              const struct cenv_link_plan *plan,
                              struct cenv_error *err);
void cenv_link_plan_known_release(struct cenv_link_plan_known *known);

/* Something else may lie at a path by now; the path lives as long. False: out of memory. */
bool cenv_link_plan_known_forget(struct cenv_link_plan_known *known,
                                 struct cenv_str path);

/* For cenv_manifest_hints, `ctx` being a cenv_link_plan_known: a file whose size or time is not
 * that of the plan is not known. */
int cenv_link_plan_known_scan(void *ctx, const struct cenv_scan_target *what,
                              struct cenv_scan_result *result, struct cenv_error *err);

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
