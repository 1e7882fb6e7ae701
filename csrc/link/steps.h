/* SPDX-License-Identifier: BSD-3-Clause */
/* What every step of a link needs; link/link.c puts the steps in order. */
#ifndef CENV_LINK_STEPS_H
#define CENV_LINK_STEPS_H

#include "base/task.h"
#include "link/plan_base.h"
#include "link/stats.h"

/* A plan on its way into the directory `root`; `dir` its absolute path. */
struct cenv_linker {
    struct cenv_link_plan *plan;
    const struct cenv_link_options *options;
    struct cenv_link_stats *stats;
    struct cenv_task *task;
    const char *dir;
    int root;
    unsigned threads;
    enum cenv_place_mode mode; /* decided: never AUTO */
    /* Something lies there already: another environment, or what pre-link scripts made. */
    bool occupied;
    bool told_variables; /* what is wrong with those that activation sets was told */
};

#endif
