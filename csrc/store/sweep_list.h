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
    /* The first of what could not be removed, and how much that was. */
    struct cenv_error failure;
    size_t failures;
};

/*
 * Visits what lies in a directory of the store, in byte order. An entry that cannot be removed does
 * not keep the others: the visit goes on, and cenv_sweep_failure tells of it at the end. Only an
 * interrupt and lack of memory end the visit.
 */
int cenv_sweep_each(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                    cenv_layout_visit_fn visit, struct cenv_error *err);

/* 0, or what the first entry that stayed said, and how many there are; to be asked once. */
int cenv_sweep_failure(struct cenv_sweep *sweep, struct cenv_error *err);

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
