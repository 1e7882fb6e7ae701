/* SPDX-License-Identifier: BSD-3-Clause */
/* A template without what was made in it: its packages, linked, and nothing else. */
#ifndef CENV_ARCHIVE_BARE_H
#define CENV_ARCHIVE_BARE_H

#include "base/error.h"
#include "base/task.h"
#include "codec/json.h"
#include "store/layout.h"

struct cenv_link_plan;

struct cenv_bare {
    struct cenv_store *store;
    /* As the template has them; the packages are in the store. */
    const struct cenv_json *records;
    const char *target; /* the prefix that its files name */
    /* With what links make too: bytecode and records, and no link scripts all the same. */
    bool made;
    struct cenv_task *task;
    struct cenv_error *err;
};

/*
 * Links into the empty directory `dir`. Two machines get the same bytes, modes and times: that is
 * what a delta goes by. `plan` (or NULL) is set to what lies there then, with sites; the caller
 * frees it.
 */
int cenv_bare_link(const struct cenv_bare *bare, int dir, struct cenv_link_plan **plan);

#endif
