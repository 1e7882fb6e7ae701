/* SPDX-License-Identifier: BSD-3-Clause */
/* A sweep under way, and the list of what it found. */
#ifndef CENV_STORE_SWEEP_LIST_H
#define CENV_STORE_SWEEP_LIST_H

#include "store/layout.h"

/* A sweep. With `look` it removes nothing and only lists what another one would. */
struct cenv_sweep {
    const struct cenv_store *store;
    struct cenv_task *task;
    struct cenv_buf list; /* JSON, comma between: paths removed; objects with `look` */
    size_t nr;            /* in `list` */
    /* Scratch directories and templates, which a sweep does not list. */
    uint64_t removed;
    bool look;
};

/* Notes what was found ("clone", "unfinished", "work", "template") in `dir`/`name` (name may be ""). */
int cenv_sweep_list_add(struct cenv_sweep *sweep, const char *what, struct cenv_str dir,
                        const char *name, struct cenv_error *err);

/* The same of an entry of the store: a scratch directory or a template. */
int cenv_sweep_list_add_entry(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                              const char *name, struct cenv_error *err);

#endif
