/* SPDX-License-Identifier: BSD-3-Clause */
/* A sweep under way, and the list of what it found. */
#ifndef CENV_STORE_SWEEP_LIST_H
#define CENV_STORE_SWEEP_LIST_H

#include "codec/json_writer.h"
#include "store/layout.h"

/* A sweep. With `look` it removes nothing and only lists what another one would. */
struct cenv_sweep {
    const struct cenv_store *store;
    struct cenv_task *task;
    /* Borrowed, an array open: paths that were removed; with `look` objects {"what", "path"}. */
    struct cenv_json_writer *found;
    /* Scratch directories and templates, which a sweep does not list. */
    uint64_t removed;
    bool look;
};

/*
 * Notes that `what` ("clone", "unfinished", "work", "template") was found as `dir`/`name` (`name` may
 * be "").
 */
int cenv_sweep_list_add(struct cenv_sweep *sweep, const char *what, struct cenv_str dir,
                        const char *name, struct cenv_error *err);

/* The same of an entry of the store: a scratch directory or a template. */
int cenv_sweep_list_add_entry(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                              const char *name, struct cenv_error *err);

#endif
