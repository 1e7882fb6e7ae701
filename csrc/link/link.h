/* SPDX-License-Identifier: BSD-3-Clause */
/* Links extracted packages into one new directory: plan, check everything, then execute. */
#ifndef CENV_LINK_LINK_H
#define CENV_LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "os/fs.h"

struct cenv_json;
struct cenv_store;
struct cenv_link_plan; /* link/plan.h: every directory, file, link and site */

/* One package, in link order. All borrowed until the link is over. */
struct cenv_link_package {
    struct cenv_str
        record; /* JSON object: the repodata record plus channel, url, fn, subdir */
    const char *content; /* the extracted package: a directory with info/ */
};

struct cenv_link_options {
    const struct cenv_store *store; /* to keep bytecode in and take it from, or NULL */
    const char *target_prefix;      /* what is written into the files; absolute */
    /* auto: reflink, else hardlink (with own_inodes: copy), else copy; falls back file by file */
    enum cenv_place_mode mode;
    bool own_inodes; /* templates: never share an inode with the package */
    bool no_compile; /* leave noarch python packages without bytecode */
    bool no_scripts; /* do not run pre-link and post-link scripts */
    bool
        keep_sites; /* record relocation sites in the plan, for the template's manifest */
    unsigned threads;             /* 0: as many as are worth it */
    int64_t time;                 /* of history and created_at; seconds */
    const char *cmd;              /* for history, or NULL */
    const struct cenv_str *specs; /* as requested: history and requested_specs */
    size_t nr_specs;
    /*
     * An environment lies there already, and the packages come to it: what they bring replaces what
     * has their paths (a warning each), history goes on. `python`: the record of its python, or NULL;
     * borrowed as long as the plan.
     */
    bool onto;
    const struct cenv_json *python;
};

/* What happened; counts of files. */
struct cenv_link_stats {
    uint64_t files, directories, symlinks, reflinked, hardlinked, copied, relocated,
        compiled;
    uint64_t bytes_copied;
    uint64_t
        fallbacks; /* files that could not be linked as asked for and were copied */
    char **
        warnings; /* clobbered paths, case, compilation, in order of discovery; owned */
    size_t nr_warnings;
    char *messages; /* what link scripts left in .messages.txt, or NULL; owned */
};

void cenv_link_stats_release(struct cenv_link_stats *stats);

/*
 * Links `packages` into the existing directory `dir`, which has nothing a package brings (EEXIST
 * otherwise, but see `onto`). On success *plan (when `plan` is not
 * NULL) describes what lies there; free it with cenv_link_plan_free. On failure `dir` may hold
 * anything: the caller made it and removes it (cenv_create does, the store does).
 */
int cenv_link(const char *dir, const struct cenv_link_package *packages, size_t nr,
              const struct cenv_link_options *options, struct cenv_link_plan **plan,
              struct cenv_link_stats *stats, struct cenv_task *task,
              struct cenv_error *err);

void cenv_link_plan_free(struct cenv_link_plan *plan);

#endif
