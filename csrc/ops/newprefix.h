/* SPDX-License-Identifier: BSD-3-Clause */
/* A new prefix: made beside its place under another name, then put there in one rename. */
#ifndef CENV_OPS_NEWPREFIX_H
#define CENV_OPS_NEWPREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "io/fs.h"

/*
 * Between open and publish there is a directory ".<name>.cenv-<pid>-<nonce>" (0700) beside the
 * destination; whatever happens, a close without publish leaves nothing behind.
 */
struct cenv_newprefix {
    char *path;      /* the destination: absolute, clean, links in it not resolved */
    char *name;      /* its last component, in `path` */
    char *temp;      /* name beside it */
    int parent, dir; /* of the destination; the new directory */
    size_t made; /* length of the deepest parent that was there: those below are ours */
    bool exists; /* an empty directory lies there */
    uint32_t exists_mode;
    uint32_t mask; /* the mode bits that new directories do not get here */
    bool published;
};

/*
 * CENV_EPREFIX: the destination is there and not an empty directory, or its path cannot be one of a
 * prefix (":" or a control character in it). CENV_EOS: not writable, a parent that is no directory.
 */
int cenv_newprefix_open(struct cenv_newprefix *out, const char *path,
                        struct cenv_error *err);

/* As open, for what is to take the place of whatever is shown at `path` now (published then). */
int cenv_newprefix_open_over(struct cenv_newprefix *out, const char *path,
                             struct cenv_error *err);

/*
 * The same errors without making anything; also CENV_EPREFIX when the destination lies in the
 * directory `outside` (a descriptor) or is it.
 */
int cenv_newprefix_check(const char *path, int outside, struct cenv_error *err);

/* Gives the directory `mode` (of the empty directory that it replaces, if any) and moves it. */
int cenv_newprefix_publish(struct cenv_newprefix *prefix, uint32_t mode,
                           struct cenv_error *err);

/* Takes a published, empty directory back, unless one was there before or is in use. */
void cenv_newprefix_withdraw(struct cenv_newprefix *prefix);

/* Frees; removes what was not published, and the parents made for it. Zero-initialised is fine. */
void cenv_newprefix_close(struct cenv_newprefix *prefix);

/* `path` absolute and clean, without resolving links: what files of a prefix will name. Free it. */
char *cenv_prefix_path_clean(const char *path, struct cenv_error *err);

#endif
