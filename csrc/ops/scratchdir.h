/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building a new directory beside its final place: a hidden sibling, renamed when it is whole. What
 * a killed run leaves is that sibling alone, and the next run for the same place removes it.
 */
#ifndef CENV_OPS_SCRATCHDIR_H
#define CENV_OPS_SCRATCHDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/task.h"
#include "io/lock.h"

struct cenv_scratchdir {
    char *
        final; /* absolute; made clean, links in it not resolved: it goes into files as it is */
    char *path;       /* of the sibling, absolute */
    char *name;       /* its last component: ".<name>.cenv-<pid>-<nonce>" */
    char *made_above; /* topmost directory that had to be made for it, or NULL */
    struct cenv_lock
        *lock;     /* dies with us: tells a sweep whether the sibling is left over */
    int parent;    /* descriptor of the directory both are in */
    bool replaces; /* an empty directory was there; its mode is kept */
    bool published;
    uint32_t mode;
};

/*
 * Checks the destination and makes the sibling. CENV_EPREFIX when `path` holds files, is no
 * directory, or has a byte no prefix may have (':' separates PATH; control characters).
 */
int cenv_scratchdir_open(struct cenv_scratchdir *out, const char *path,
                         struct cenv_task *task, struct cenv_error *err);

/* Looks at the destination only; the errors of open. */
int cenv_scratchdir_check(const char *path, struct cenv_error *err);

/* The sibling becomes the destination, in one rename. Close afterwards all the same. */
int cenv_scratchdir_publish(struct cenv_scratchdir *dir, struct cenv_error *err);

/* Removes what was not published, and the directories made above it. */
void cenv_scratchdir_close(struct cenv_scratchdir *dir);

#endif
