/* SPDX-License-Identifier: BSD-3-Clause */
/* Links extracted packages into one new directory: plan, check everything, then execute. */
#ifndef CENV_LINK_LINK_H
#define CENV_LINK_LINK_H

#include "base/error.h"
#include "base/task.h"
#include "link/plan_base.h"
#include "link/stats.h"

/*
 * Links `packages` into the existing directory `dir`, which has nothing a package brings (EEXIST
 * otherwise, but see `onto`). On success `stats` is filled, for the caller to release, and *plan
 * (when `plan` is not NULL) describes what lies there, to be freed with cenv_link_plan_free. On
 * failure `dir` may hold anything: the caller made it and removes it.
 */
int cenv_link(const char *dir, const struct cenv_link_package *packages, size_t nr,
              const struct cenv_link_options *options, struct cenv_link_plan **plan,
              struct cenv_link_stats *stats, struct cenv_task *task,
              struct cenv_error *err);

#endif
