/* SPDX-License-Identifier: BSD-3-Clause */
/* A sweep under way, and the list of what it found. */
#ifndef CENV_STORE_SWEEP_LIST_H
#define CENV_STORE_SWEEP_LIST_H

#include "codec/json_writer.h"
#include "store/layout.h"

/* With `look` a sweep removes nothing and only lists what another one would. */
struct cenv_sweep {
    const struct cenv_store *store;
    struct cenv_task *task;
    bool look;
    /* In an array: of paths removed, or with `look` of {"what", "path"}. */
    struct cenv_json_writer list;
    /* Scratch directories and templates, which a sweep that removes does not list. */
    uint64_t removed;
};

/*
 * Lists what was found ("clone", "unfinished", "work", "template") as `dir`/`name`; `name` may be
 * "". A failure is the list's, which tells when it is finished.
 */
void cenv_sweep_list_add(struct cenv_sweep *sweep, const char *what,
                         struct cenv_str dir, const char *name);

/* The same of an entry of the store: a scratch directory or a template. */
void cenv_sweep_list_add_entry(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                               const char *name);

#endif
