/* SPDX-License-Identifier: BSD-3-Clause */
/* A new prefix: made beside its place under another name, then put there in one rename. */
#ifndef CENV_PREFIX_NEW_PREFIX_H
#define CENV_PREFIX_NEW_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/*
 * A file in a directory that lies at its destination before it is whole, for link scripts see it
 * there: where nobody holds the directory, its maker was killed.
 */
#define CENV_NEWPREFIX_MARK ".cenv-unfinished"

/*
 * Between make and publish there is a sibling (os/sibling.h, 0700) of the destination; whatever
 * happens, a close without publish leaves nothing behind. A killed run leaves that sibling alone.
 */
struct cenv_newprefix {
    char *path; /* the destination: absolute, clean, links in it not resolved */
    char *name; /* its last component, in `path` */
    char *temp_path, *temp; /* the sibling: absolute, and its name in there */
    int parent, dir;        /* of the destination; the new directory */
    size_t made;            /* length of the deepest parent that was there before */
    bool exists;            /* an empty directory lies there */
    uint32_t exists_mode;
    uint32_t mask; /* the mode bits that new directories do not get here */
    bool made_temp, published;
    /* Set by the caller: what cannot be removed at once is left to a sweep; and whether it was. */
    bool hurried, left;
};
#define CENV_NEWPREFIX_INIT \
    { \
        .parent = -1, .dir = -1 \
    }

/*
 * CENV_EPREFIX: the destination is there and not an empty directory, or its path cannot be one of a
 * prefix (":" or a control character in it). CENV_EOS: not writable, a parent that is no directory.
 * With `sweep` siblings that killed runs left for the same destination are removed; that lists the
 * parent, so a caller that has another record of them does without.
 */
int cenv_newprefix_open(struct cenv_newprefix *out, const char *path, bool sweep,
                        struct cenv_error *err);

/* As open, for a prefix that takes the place of what is shown at `path` until it is published. */
int cenv_newprefix_open_over(struct cenv_newprefix *out, const char *path,
                             struct cenv_error *err);

/*
 * Makes the sibling. Its name is known since open: a caller that keeps a record of it does that in
 * between.
 */
int cenv_newprefix_make(struct cenv_newprefix *prefix, struct cenv_error *err);

/*
 * Puts a snapshot of the subvolume `of` in the place of the sibling, which is made, and of what is
 * in it: `dir` is open anew. CENV_EOS: the subvolume is another user's, or on another file system.
 */
int cenv_newprefix_make_snapshot(struct cenv_newprefix *prefix, int of,
                                 struct cenv_error *err);

/*
 * The same errors without making anything; also CENV_EPREFIX when the destination lies in the
 * directory `outside` (a descriptor, or -1) or is it.
 */
int cenv_newprefix_check(const char *path, int outside, struct cenv_error *err);

/* Gives the directory `mode` (of the empty directory that it replaces, if any) and moves it. */
int cenv_newprefix_publish(struct cenv_newprefix *prefix, uint32_t mode,
                           struct cenv_error *err);

/* Takes a published, empty directory back, unless one was there before or is in use. */
void cenv_newprefix_withdraw(struct cenv_newprefix *prefix);

/* Removes what was made and not published, or leaves it to a sweep; close does that too. */
void cenv_newprefix_discard(struct cenv_newprefix *prefix);

/* Frees; removes what was not published, and the parents made for it. */
void cenv_newprefix_close(struct cenv_newprefix *prefix);

/* `path` absolute and clean, without resolving links: what files of a prefix will name. Free it. */
char *cenv_newprefix_clean_path(const char *path, struct cenv_error *err);

#endif
