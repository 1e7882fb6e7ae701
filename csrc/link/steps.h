/* SPDX-License-Identifier: BSD-3-Clause */
/* Execution of a link plan, step by step; link/link.c puts the steps in order. */
#ifndef CENV_LINK_STEPS_H
#define CENV_LINK_STEPS_H

#include "base/error.h"
#include "base/task.h"
#include "link/link.h"
#include "link/plan_base.h"

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
};

/* Makes the directories, then places all files, links and entry points. */
int cenv_link_files(struct cenv_linker *linker, struct cenv_error *err);

/*
 * Compiles what the plan has as PYC with the environment's own python, as conda does: failures are
 * tolerated, a python that does not run is a warning. Entries get `done` where bytecode came to be.
 */
int cenv_link_compile(struct cenv_linker *linker, struct cenv_error *err);

/*
 * Bytecode depends on the package, the python, and where site-packages is, not on the prefix: file
 * names in it are relative, and relocated sources are left out here. The store keeps it under the
 * hash of these three, as a package of its own. take places what is known (entries get `done`, or
 * `dropped` where compiling failed before) and marks packages of which nothing is; keep publishes
 * the bytecode of those. What goes wrong in either costs time, never the link.
 */
int cenv_link_take_bytecode(struct cenv_linker *linker, struct cenv_error *err);
void cenv_link_keep_bytecode(struct cenv_linker *linker);

/*
 * Runs bin/.<name>-pre-link.sh of the packages that have one (from the package, before any file),
 * and bin/.<name>-post-link.sh (from the prefix, after all files), in link order. `has` tells whether
 * there is any. A script that fails is CENV_ELINK with the end of its output; what they leave in
 * .messages.txt goes to stats->messages and the file is removed.
 */
bool cenv_link_has_scripts(const struct cenv_link_plan *plan, const char *when);
int cenv_link_run_scripts(struct cenv_linker *linker, const char *when,
                          struct cenv_error *err);

/* Writes conda-meta: one record per package, then history and created_at, which make it complete. */
int cenv_link_records(struct cenv_linker *linker, struct cenv_error *err);

#endif
